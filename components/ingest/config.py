"""What the ingest stage is given, and where it puts what it made sure of."""

from dataclasses import dataclass
from pathlib import Path

from components.ingest.download.sources import parse_dump, parse_source
from components.shared.errors import InputError
from components.shared.storage.locations import expect_path_or_bucket

_FILE = "the path or address of a file"
_WHAT_TO_GIVE = {
    "dump": _FILE,
    "squad_train": _FILE,
    "train": _FILE,
    "record": _FILE,
    "fingerprint": "what `look` wrote",
}


@dataclass(frozen=True, kw_only=True)
class ServerConfig:
    """How long and how often servers are asked."""

    timeout_seconds: float = 60.0
    """How long a server may stay silent before the connection counts as cut."""
    max_retries: int = 5
    """How often in a row a request or a download may break without any gain before it is
    given up."""

    def __post_init__(self) -> None:
        """Refuse what can be seen to be wrong without a look at any file.

        Raises:
            InputError: if a setting is missing, out of range or not of a known form.
        """
        if not self.timeout_seconds > 0:
            raise InputError(
                f"timeout_seconds must be more than 0, got {self.timeout_seconds}; 60 suits most"
            )
        if self.max_retries < 0:
            raise InputError(f"max_retries must be 0 or more, got {self.max_retries}; 5 suits most")


@dataclass(frozen=True, kw_only=True)
class DownloadConfig(ServerConfig):
    """Where downloads are kept."""

    download_directory: str = ""
    """Folder where downloads are kept, so that a later run resumes or reuses them; ""
    keeps them beside the outputs and removes them at the end."""


@dataclass(frozen=True, kw_only=True)
class SourceConfig(ServerConfig):
    """What a dump is called, and where it is looked for."""

    dump: str
    """MediaWiki XML export: a dump's name (enwiki-latest, enwiki-20261001, or
    enwiki-content-latest for Wikimedia's newer exports), or files, plain, .bz2, .gz or a .tar
    of those: a path, a folder, an address, or a pattern such as dumps/*.xml.bz2 or
    s3://bucket/dumps/*.bz2; several are separated by commas or white space."""
    dump_site: str = "https://dumps.wikimedia.org"
    """Where dumps are found by name: Wikimedia's site or a mirror of it."""

    def __post_init__(self) -> None:
        super().__post_init__()
        expect_given(self, "dump")
        parse_dump(self.dump)
        if not self.dump_site.startswith(("http://", "https://")):
            raise InputError(
                f"dump_site must be an http(s):// address, got {self.dump_site!r}; Wikimedia's "
                "is https://dumps.wikimedia.org"
            )


@dataclass(frozen=True, kw_only=True)
class IngestConfig(SourceConfig, DownloadConfig):
    """Fetch a Wikipedia dump, SQuAD files and a vocabulary, and check that each is whole.

    Wherever a file is asked for, a path or an http(s)://, gs:// or s3:// address will do, and
    conditions may follow it: `https://…/x.xml.bz2#sha256=<hex>&size=<bytes>` (sha1 and
    md5 as well); a file that does not meet them is refused.
    """

    dump_files: Path
    """Output: folder with the dump's files, and dump.json with the size, SHA-256 and source
    of each and the dump's date."""
    squad: Path
    """Output: folder with train.json and dev.json, both whole SQuAD files."""
    given_vocabulary: Path
    """Output: copy of the vocabulary; an empty file where none was given, and the
    preprocess stage then trains one on the dump."""

    squad_train: str
    """SQuAD 1.1 or 2.0 file to train on."""
    squad_dev: str = ""
    """SQuAD file to evaluate on; "" holds out every fifth article of squad_train."""
    vocabulary: str = ""
    """vocab.txt with one word piece a line; "" has one trained on the dump."""
    checksums: str = ""
    """File of checksums as md5sum, sha1sum or sha256sum write it and Wikimedia publishes
    it; every input whose file name it lists is checked against it."""

    def __post_init__(self) -> None:
        super().__post_init__()
        expect_given(self, "squad_train")
        for name in ("squad_train", "squad_dev", "vocabulary", "checksums"):
            if getattr(self, name).strip():
                parse_source(getattr(self, name))


@dataclass(frozen=True, kw_only=True)
class LookConfig(SourceConfig):
    """Look whether a dump is another than the one that was trained on last."""

    record: str
    """JSON file that `record` writes: a path (on a mounted volume), gs:// or s3:// address."""
    checkpoint_directory: str = ""
    """Where trainings on dumps keep the checkpoints of the run under way; "" nowhere."""

    is_new: Path
    """Output parameter: true where there is no record, or one of another dump."""
    found_dump: Path
    """Output parameter: the dump as it is now, enwiki-20261001 where it is called
    enwiki-latest."""
    fingerprint: Path
    """Output parameter: what tells the dump's files from others."""
    dump_checkpoints: Path
    """Output parameter: the folder of this dump in checkpoint_directory, so that a training on
    it that failed is gone on with, and one on another dump is not; "" where that is empty."""

    def __post_init__(self) -> None:
        super().__post_init__()
        expect_given(self, "record")
        expect_path_or_bucket("record", self.record)
        expect_path_or_bucket("checkpoint_directory", self.checkpoint_directory)


@dataclass(frozen=True, kw_only=True)
class RecordConfig:
    """Note which dump was trained on, for the next `look`."""

    dump: str
    """As `look` found it."""
    fingerprint: str
    """As `look` found it."""
    record: str
    """JSON file to write: a path (on a mounted volume), gs:// or s3:// address."""
    dump_checkpoints: str = ""
    """The folder of checkpoints that `look` gave: the trainings' last ones are removed there; ""
    removes none."""

    def __post_init__(self) -> None:
        for name in ("dump", "fingerprint", "record"):
            expect_given(self, name)
        expect_path_or_bucket("record", self.record)
        expect_path_or_bucket("dump_checkpoints", self.dump_checkpoints)


def expect_given(config: object, name: str) -> None:
    """Refuse an empty setting.

    Raises:
        InputError: if it is.
    """
    if not getattr(config, name).strip():
        raise InputError(f"{name} is empty; give {_WHAT_TO_GIVE[name]}")
