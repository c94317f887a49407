"""A dataset that was prepared before, fetched whole."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from components.ingest.config import IngestConfig
from components.ingest.download.large_files import place
from components.shared.checkpoints.description import Description
from components.shared.dataset.folder import (
    MANIFEST,
    Dataset,
    Shard,
    check_file,
    read_dataset,
    write_none,
)
from components.shared.errors import InputError
from components.shared.files.atomic import whole_folder
from components.shared.storage.locations import SCHEMES
from components.shared.storage.transfers import Bucket, open_bucket
from components.shared.tokens.vocabulary import Vocabulary


@contextmanager
def fetched_dataset(config: IngestConfig) -> Iterator[Dataset | None]:
    """Write the dataset that pretraining reads, if the block succeeds.

    Yields:
        What it holds; None where none was named.

    Raises:
        InputError: if it can't be had, or is not whole.
    """
    if not config.dataset or config.given_dataset is None:
        yield None
        if config.given_dataset is not None:
            write_none(config.given_dataset)
        return
    with whole_folder(config.given_dataset) as scratch:
        yield _fetch(config.dataset, scratch, timeout_seconds=config.timeout_seconds)


def expect_its_text(
    dataset: Dataset, vocabulary: Vocabulary, checkpoint: Description | None, place_of_dataset: str
) -> None:
    """Reject a vocabulary or a checkpoint that the dataset was not made for.

    Raises:
        InputError: then.
    """
    if vocabulary.sha256 != dataset.vocabulary.sha256:
        raise InputError(
            f"{place_of_dataset}: made with another vocabulary than the one given; give the file "
            "`vocabulary` that the preprocess stage wrote beside the dataset"
        )
    if checkpoint is not None and checkpoint.tokenization.lowercase != dataset.lowercase:
        cases = {True: "lower case", False: "both cases"}
        raise InputError(
            f"{place_of_dataset}: text of {cases[dataset.lowercase]}, while the initial checkpoint "
            f"reads {cases[checkpoint.tokenization.lowercase]}; give another of the two"
        )


def _fetch(source: str, folder: Path, *, timeout_seconds: float) -> Dataset:
    if not source.startswith(SCHEMES):
        return _link(Path(source), folder)
    # The end of a folder's name: "dataset" is not part of "dataset-2".
    bucket = open_bucket(f"{source.rstrip('/')}/", timeout_seconds=timeout_seconds)
    try:
        return _download(bucket, folder)
    except InputError as error:
        # Not the path of the copy, which nobody knows.
        raise InputError(str(error).replace(str(folder), source.rstrip("/"))) from None


def _link(source: Path, folder: Path) -> Dataset:
    if "://" in str(source) or not source.is_dir():
        raise InputError(
            f"{source}: no such folder; a dataset is a folder of this machine, or the address of "
            f"one that begins with {', '.join(SCHEMES)}"
        )
    dataset = read_dataset(source)
    for shard in dataset.list_shards():
        check_file(source / shard.file, shard.sha256)
        place(source / shard.file, _make_room(folder, shard))
    place(source / MANIFEST, folder / MANIFEST)
    return dataset


def _download(bucket: Bucket, folder: Path) -> Dataset:
    bucket.download(MANIFEST, folder / MANIFEST)
    dataset = read_dataset(folder)
    shards = list(dataset.list_shards())
    bucket.download_all({shard.file: _make_room(folder, shard) for shard in shards})
    for shard in shards:
        check_file(folder / shard.file, shard.sha256)
    return dataset


def _make_room(folder: Path, shard: Shard) -> Path:
    path = folder / shard.file
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
