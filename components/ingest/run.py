"""The ingest stage: fetch what was named, make sure of it, and hand it on whole."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from components.ingest.checkpoint_fetch import fetched_checkpoint
from components.ingest.config import IngestConfig
from components.ingest.dataset import expect_its_text, fetched_dataset
from components.ingest.download.checksums import Checksums, read_checksums, require_listed
from components.ingest.download.fetch import (
    Fetched,
    fetch,
    fetch_optional,
    open_downloads,
)
from components.ingest.download.file_checks import check_export
from components.ingest.download.large_files import place
from components.ingest.download.resumable import Downloads
from components.ingest.download.sources import Source, find_compression, parse_dump
from components.ingest.dump.archives import unpack_archives
from components.ingest.dump.dump_manifest import (
    describe_file,
    require_distinct_names,
    summarize,
    write_manifest,
)
from components.ingest.dump.find import find_file, find_files
from components.ingest.squad.squad_files import (
    fetch_development_set,
    fetch_training_set,
    write_squad,
)
from components.ingest.text_files import fetch_text, find_text, write_text_files
from components.shared.checkpoints.description import VOCABULARY, Description
from components.shared.errors import InputError
from components.shared.files.atomic import expect_place, whole_file, whole_folder
from components.shared.parallel import run_in_threads
from components.shared.stage.start import Metadata
from components.shared.tokens.vocabulary import Vocabulary

# As many as Wikimedia's servers grant to an address.
_NUM_CONNECTIONS = 3


@dataclass(frozen=True)
class Inputs:
    """What the user named, with every local file found."""

    dump: list[Source]
    text: list[Source]
    squad_train: Source
    squad_dev: Source | None
    vocabulary: Source | None
    checksums: Source | None

    def all_files(self) -> list[Source]:
        """Every file that checksums may be given for."""
        optional = (self.squad_dev, self.vocabulary)
        return [
            *self.dump,
            *self.text,
            self.squad_train,
            *(source for source in optional if source),
        ]


def run(config: IngestConfig) -> Metadata:
    """Fetch and check all inputs; write the outputs once every one of them is in order.

    Raises:
        InputError: if an input can't be had or is not what it should be.
    """
    _expect_places(config)
    inputs = find_inputs(config)
    with (
        open_downloads(config, beside=config.dump_files) as downloads,
        fetched_checkpoint(config, downloads) as checkpoint,
        fetched_dataset(config) as dataset,
    ):
        checksums = fetch_checksums(inputs, downloads)

        # The small ones first: a slip in them shows before hours of download.
        vocabulary = fetch_optional(
            inputs.vocabulary, checksums, downloads, Vocabulary.read, limit=config.list_limit
        )
        if checkpoint is not None:
            expect_same_vocabulary(checkpoint, vocabulary, config.checkpoint_label)
        known = checkpoint.vocabulary if checkpoint else vocabulary.content if vocabulary else None
        if dataset is not None and known is not None:
            expect_its_text(dataset, known, checkpoint, config.dataset)
        train = fetch_training_set(config, inputs.squad_train, checksums, downloads)
        dev = fetch_development_set(inputs.squad_dev, checksums, downloads)
        dump = fetch_dump(inputs.dump, checksums, downloads, config.max_expansion)
        text = fetch_text(
            inputs.text,
            checksums,
            downloads,
            num_connections=_NUM_CONNECTIONS,
            leave_objects=config.use_object_store,
        )

        write_vocabulary(config.given_vocabulary, vocabulary, checkpoint)
        squad_metadata = write_squad(config, train, dev)
        dump_metadata = write_dump(config.dump_files, dump)
        # Packages of earlier versions lack these outputs.
        optional_metadata: dict[str, Mapping[str, Any]] = {}
        if config.text_files is not None:
            optional_metadata["text_files"] = write_text_files(config.text_files, text)
        if config.given_checkpoint is not None:
            optional_metadata["given_checkpoint"] = {"source": config.checkpoint_label}
        if config.given_dataset is not None:
            optional_metadata["given_dataset"] = {"source": config.dataset}
    return {
        "dump_files": dump_metadata,
        "squad": squad_metadata,
        "given_vocabulary": {"pieces": len(known) if known else 0},
        **optional_metadata,
    }


def _expect_places(config: IngestConfig) -> None:
    """Find out before the downloads whether the outputs can be written."""
    expect_place(config.given_vocabulary)
    for folder in (config.dump_files, config.squad, config.text_files):
        if folder is not None:
            expect_place(folder, is_folder=True)


def find_inputs(config: IngestConfig) -> Inputs:
    """Read the settings that name files, and find what dump names and patterns stand for.

    Raises:
        InputError: if a file is not there, or text or a checkpoint has no folder to go to.
    """
    if config.text.strip() and config.text_files is None:
        raise InputError("text_files is missing; give the folder that the text goes to")
    for setting, output in (
        ("initial_checkpoint", "given_checkpoint"),
        ("dataset", "given_dataset"),
    ):
        if getattr(config, setting) and getattr(config, output) is None:
            raise InputError(f"{output} is missing; give the folder that {setting} goes to")
    dump = [file for source in parse_dump(config.dump) for file in find_files(source, config)]
    for source in dump:
        export_check(source, config.max_expansion)  # a pattern may match files of another kind
    require_distinct_names([(source.name, source.label) for source in dump])
    train = find_file(config.squad_train, config)
    assert train is not None
    return Inputs(
        dump=dump,
        text=find_text(config),
        squad_train=train,
        squad_dev=find_file(config.squad_dev, config),
        vocabulary=find_file(config.vocabulary, config),
        checksums=find_file(config.checksums, config),
    )


def fetch_checksums(inputs: Inputs, downloads: Downloads) -> Checksums:
    """The published checksums, none where no list was given."""
    limit = downloads.limits.list_limit
    listed = fetch_optional(inputs.checksums, {}, downloads, read_checksums, limit=limit)
    if listed is None:
        return {}
    require_listed(inputs.all_files(), listed.content, listed.source.label)
    return listed.content


def fetch_dump(
    sources: Sequence[Source], checksums: Checksums, downloads: Downloads, max_expansion: float
) -> list[Fetched[str | None]]:
    """Fetch the dump's files, some at once."""
    check = partial(export_check, max_expansion=max_expansion)
    tasks = [partial(fetch, source, checksums, downloads, check(source)) for source in sources]
    fetched = run_in_threads(tasks, num_threads=_NUM_CONNECTIONS, stop=downloads.stop)
    files = unpack_archives(fetched, downloads.folder, check, max_expansion)
    require_distinct_names([(file.source.name, file.source.label) for file in files])
    return files


def export_check(source: Source, max_expansion: float) -> Callable[[Path], str | None]:
    """The check of an export that is compressed as its source's name says.

    An archive is checked when its exports are taken out of it.
    """
    if source.is_tar:
        return lambda path: None  # noqa: ARG005
    compression = find_compression(source)
    return lambda path: check_export(path, compression, max_expansion)


def expect_same_vocabulary(
    checkpoint: Description, vocabulary: Fetched[Vocabulary] | None, place: str
) -> None:
    """Reject a vocabulary that is not the checkpoint's.

    Raises:
        InputError: then.
    """
    if vocabulary and vocabulary.content.pieces != checkpoint.vocabulary.pieces:
        raise InputError(
            f"{vocabulary.source.label}: differs from the vocabulary of {place}; leave vocabulary "
            "out to use the checkpoint's"
        )


def write_vocabulary(
    path: Path, vocabulary: Fetched[Vocabulary] | None, checkpoint: Description | None
) -> None:
    """Write the vocabulary, or an empty file: then the next stage trains one."""
    with whole_file(path) as scratch:
        if checkpoint is not None:
            place(checkpoint.folder / VOCABULARY, scratch)
        elif vocabulary is not None:
            place(vocabulary.path, scratch)
        else:
            scratch.touch()


def write_dump(folder: Path, dump: list[Fetched[str | None]]) -> Mapping[str, Any]:
    """Write the dump's files and their manifest."""
    files = [
        describe_file(
            name=file.source.name,
            num_bytes=file.path.stat().st_size,
            digests=file.digests,
            source=file.source.label,
            wiki=file.content,
        )
        for file in dump
    ]
    with whole_folder(folder) as scratch:
        for file in dump:
            place(file.path, scratch / file.source.name)
        write_manifest(scratch, files)
    return summarize(files)
