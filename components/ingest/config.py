"""The settings of the ingest stage."""

from dataclasses import dataclass
from pathlib import Path

from components.ingest.checkpoint_archive import SUFFIXES, names_archive
from components.ingest.download.size_limit import SizeLimit
from components.ingest.download.sources import parse_dump, parse_source, parse_sources
from components.shared.errors import InputError
from components.shared.files.text import mask_addresses
from components.shared.files.unpacking import UnpackingConfig
from components.shared.squad.settings import SquadTrainingConfig
from components.shared.stage.settings import Rare, Sources
from components.shared.storage.locations import ObjectStoreConfig

CURRENT = "current"
"""The initial checkpoint that is the model in use."""
# More than any file has and any server takes; infinity has no number of bytes or seconds.
_MAX_SIZE, _MAX_SECONDS = 1_000_000_000, 86_400
_FILE = "the path or address of a file"
_WHAT_TO_GIVE = {
    "dump": _FILE,
    "squad_train": _FILE,
    "train": _FILE,
    "initial_checkpoint": "the path or address of a folder or an archive",
    "record": _FILE,
    "fingerprint": "what `look` wrote",
}


@dataclass(frozen=True, kw_only=True)
class ServerConfig:
    """How patient requests to servers are."""

    timeout_seconds: Rare[float] = 60.0
    """How long a server may stay silent before the connection counts as broken."""
    max_retries: Rare[int] = 5
    """How many times in a row a request or download may fail without progress before the stage
    gives up."""
    max_listed_objects: Rare[int] = 10_000_000
    """Maximum objects of a bucket to list for a pattern."""

    def __post_init__(self) -> None:
        """Reject settings that are invalid whatever the files hold.

        Raises:
            InputError: if a setting is missing, out of range or not of a known form.
        """
        if not 0 < self.timeout_seconds <= _MAX_SECONDS:
            raise InputError(
                f"timeout_seconds must be more than 0 and at most {_MAX_SECONDS}, a day, got "
                f"{self.timeout_seconds}; 60 suits most"
            )
        if self.max_retries < 0:
            raise InputError(f"max_retries must be 0 or more, got {self.max_retries}; 5 suits most")
        if self.max_listed_objects < 1:
            raise InputError(
                f"max_listed_objects must be 1 or more, got {self.max_listed_objects}; 10 million "
                "suit most"
            )


@dataclass(frozen=True, kw_only=True)
class SizeConfig:
    """How large files may be: a server may send without an end."""

    max_file_gb: Rare[float] = 1000.0
    """Largest file to fetch, in gigabytes: a part of a dump, text, or an archive with a
    checkpoint."""
    max_table_gb: Rare[float] = 4.0
    """Largest file with questions or labeled sentences, in gigabytes; all of it has to fit in
    memory."""
    max_list_mb: Rare[float] = 64.0
    """Largest vocabulary or list of checksums, in megabytes."""

    def __post_init__(self) -> None:
        """Reject sizes that no file has.

        Raises:
            InputError: naming the first.
        """
        for name in ("max_file_gb", "max_table_gb", "max_list_mb"):
            if not 0 < getattr(self, name) <= _MAX_SIZE:
                raise InputError(
                    f"{name} must be more than 0 and at most {_MAX_SIZE}, got {getattr(self, name)}"
                )

    @property
    def file_limit(self) -> SizeLimit:
        """That of any file."""
        return SizeLimit("max_file_gb", self.max_file_gb, int(self.max_file_gb * 1e9))

    @property
    def table_limit(self) -> SizeLimit:
        """That of questions and labeled sentences."""
        return SizeLimit("max_table_gb", self.max_table_gb, int(self.max_table_gb * 1e9))

    @property
    def list_limit(self) -> SizeLimit:
        """That of a vocabulary and a list of checksums."""
        return SizeLimit("max_list_mb", self.max_list_mb, int(self.max_list_mb * 1e6))


@dataclass(frozen=True, kw_only=True)
class DownloadConfig(ServerConfig, SizeConfig):
    """Where downloads go, and how large they may be."""

    download_directory: str = ""
    """Folder, such as a mounted volume, that keeps downloads so that a later run resumes or reuses
    them. Empty removes them at the end."""

    def __post_init__(self) -> None:
        super().__post_init__()
        SizeConfig.__post_init__(self)


@dataclass(frozen=True, kw_only=True)
class SourceConfig(ServerConfig):
    """Which dump, and where to look for it."""

    dump: Sources = ""
    """MediaWiki XML export. Either a dump's name (enwiki-latest, enwiki-20261001, or
    enwiki-content-latest for Wikimedia's newer exports), or files, plain, .bz2, .gz or a .tar of
    those: paths, folders, URLs or patterns (dumps/*.xml.bz2, s3://bucket/dumps/*.bz2), separated
    by commas or white space. `#sha256=<hex>` after a file verifies its checksum."""
    dump_site: str = "https://dumps.wikimedia.org"
    """Where to find dumps by name: Wikimedia's site or a mirror."""

    def __post_init__(self) -> None:
        super().__post_init__()
        parse_dump(self.dump)
        if not self.dump_site.startswith(("http://", "https://")):
            raise InputError(
                f"dump_site must be an http(s):// address, got "
                f"{mask_addresses(self.dump_site)!r}; Wikimedia's "
                "is https://dumps.wikimedia.org"
            )


@dataclass(frozen=True, kw_only=True)
class TextConfig:
    """Which text of a user's own to train on."""

    text: Sources = ""
    """Text to pretrain on besides a dump or without one: .txt, .jsonl or .parquet, each plain,
    .gz, .bz2, .zst or .xz. Paths, folders, URLs or patterns (s3://bucket/books/*.txt.gz),
    separated by commas or white space."""

    def __post_init__(self) -> None:
        parse_sources(self.text)


@dataclass(frozen=True, kw_only=True)
class WeightsConfig(ServerConfig):
    """Which weights a training starts from."""

    initial_checkpoint: str = ""
    """Checkpoint to start from, in this project's, Google's or Hugging Face's format: a folder or
    an archive (.zip, .tar.gz), as a path or a gs:// or s3:// URL; an archive also as an http(s)://
    URL. Empty starts from random weights."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._expect_checkpoint()

    def _expect_checkpoint(self) -> None:
        place = self.initial_checkpoint
        if place == CURRENT:
            raise InputError(
                f"initial_checkpoint: {CURRENT} is for retraining pipelines, which ask the model "
                "store once a run; name a folder or an archive (`python -m pipelines models list` "
                f"shows the versions), or write ./{CURRENT} for a folder of that name"
            )
        if not names_archive(place) and place.startswith(("http://", "https://")):
            raise InputError(
                f"{parse_source(place).label}: a web server can't be asked what a folder holds; "
                f"initial_checkpoint must be the address of an archive ({', '.join(SUFFIXES)})"
            )
        _ = self.checkpoint_label  # rejects an address of no known form

    @property
    def checkpoint_label(self) -> str:
        """How messages call the checkpoint: an address loses what may be secret."""
        place = self.initial_checkpoint
        return parse_source(place).label if names_archive(place) else place


@dataclass(frozen=True, kw_only=True)
class CheckpointConfig(WeightsConfig, DownloadConfig):
    """Which weights a training starts from, and where their archive is kept."""


@dataclass(frozen=True, kw_only=True)
class SquadFilesConfig(SquadTrainingConfig):
    """Which questions to train and to evaluate on."""

    squad: Path
    """Output: folder with train.json and dev.json, both complete SQuAD files."""

    squad_train: str
    """SQuAD training set, or another data set in that form, as a path or URL."""
    squad_dev: str = ""
    """SQuAD file to evaluate on. Empty holds out every fifth article of squad_train."""

    def __post_init__(self) -> None:
        super().__post_init__()
        expect_given(self, "squad_train")
        parse_source(self.squad_train)
        if self.squad_dev.strip():
            parse_source(self.squad_dev)


@dataclass(frozen=True, kw_only=True)
class IngestConfig(
    SourceConfig,
    CheckpointConfig,
    SquadFilesConfig,
    TextConfig,
    UnpackingConfig,
    ObjectStoreConfig,
):
    """Fetch a Wikipedia dump, text of your own, SQuAD files and a vocabulary, and verify each file.

    Every file may be a path or an http(s)://, gs:// or s3:// URL, followed by conditions that the
    file must meet: `https://…/x.xml.bz2#sha256=<hex>&size=<bytes>` (also sha1 and md5).
    """

    dump_files: Path
    """Output: folder with the dump's files, and dump.json with their sizes, SHA-256, sources and
    the dump's date."""
    text_files: Path | None = None
    """Output: folder with the text's files, and text.json with their sizes, SHA-256 and sources.
    With use_object_store, text.json alone names those in buckets. Needed with text only."""
    given_dataset: Path | None = None
    """Output: copy of the dataset, or a placeholder without one. Required only with dataset."""
    given_vocabulary: Path
    """Output: copy of the vocabulary; an empty file makes the preprocess stage train one."""
    given_checkpoint: Path | None = None
    """Output: copy of the initial checkpoint, or a placeholder without one. Required only with
    initial_checkpoint."""

    dataset: str = ""
    """Prepared dataset to pretrain on in place of a dump and text: the folder `dataset` that the
    preprocess step of an earlier run wrote, as a path, or a gs:// or s3:// URL. Give its
    vocabulary too, or the initial checkpoint that it was made for."""
    vocabulary: str = ""
    """vocab.txt, one word piece per line. Empty trains a vocabulary on the dump and the text."""
    initial_checkpoint: str = ""
    """Checkpoint that pretraining starts from, in this project's, Google's or Hugging Face's
    format: a folder or an archive (.zip, .tar.gz), as a path or a gs:// or s3:// URL; an archive
    also as an http(s):// URL. Its vocabulary and case become the dataset's. Empty starts from
    random weights; in a retraining, `current` starts from the model in use of model_store."""
    checksums: str = ""
    """File of checksums in the format of md5sum, sha1sum or sha256sum, as Wikimedia publishes it;
    every input that it lists is verified."""

    def __post_init__(self) -> None:
        super().__post_init__()
        SquadFilesConfig.__post_init__(self)
        self._expect_corpora()
        TextConfig.__post_init__(self)
        UnpackingConfig.__post_init__(self)
        for source in (self.vocabulary, self.checksums):
            if source.strip():
                parse_source(source)

    def _expect_corpora(self) -> None:
        has_text = self.dump.strip() or self.text.strip()
        if not self.dataset:
            if not has_text:
                raise InputError("no text to pretrain on; give dump, text or both, or dataset")
            return
        if has_text:
            raise InputError("dataset takes the place of dump and text; leave those out")
        if not self.vocabulary.strip() and not self.initial_checkpoint:
            raise InputError(
                "dataset needs the vocabulary that it was made with; give vocabulary (the file "
                "`vocabulary` beside the dataset) or initial_checkpoint"
            )


def expect_given(config: object, name: str) -> None:
    """Refuse an empty setting.

    Raises:
        InputError: if it is.
    """
    if not getattr(config, name).strip():
        raise InputError(f"{name} is empty; give {_WHAT_TO_GIVE[name]}")
