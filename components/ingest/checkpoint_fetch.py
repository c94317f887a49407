"""The checkpoint that a training starts from, fetched whole."""

import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath

from components.ingest.checkpoint_archive import SUFFIXES, list_folders, names_archive, unpack
from components.ingest.config import CheckpointConfig, IngestConfig
from components.ingest.download.fetch import fetch
from components.ingest.download.resumable import Downloads
from components.ingest.dump.find import find_file
from components.shared.checkpoints.checkpoint_manifest import check_files, write_none
from components.shared.checkpoints.description import (
    Description,
    expect_readable_weights,
    read_description,
)
from components.shared.errors import InputError
from components.shared.files.atomic import whole_folder
from components.shared.storage.locations import SCHEMES
from components.shared.storage.transfers import open_bucket

# Of Hugging Face's folders hold the same weights for other frameworks, which are large.
_WEIGHTS = re.compile(r"model\.safetensors|.*\.ckpt|.*\.index|.*\.data-\d+-of-\d+")
_OTHERS = re.compile(
    r"vocab\.txt|bert_config\.json|config\.json|tokenizer_config\.json|tokenizer\.json|"
    r"added_tokens\.json|special_tokens_map\.json|labels\.json|"
    # This project's: an int8 graph, which checkpoint.json names among the files; the last three
    # are in the state of a training that goes on.
    r"checkpoint\.json|lineage\.json|model\.int8\.onnx|history\.jsonl|run\.json|trainer\.json"
)


def fetch_checkpoint(config: CheckpointConfig, folder: Path, downloads: Downloads) -> Description:
    """Bring the files of the initial checkpoint here, and check what lies beside the weights.

    Args:
        config: names it.
        folder: where the files go; it is there, and empty.
        downloads: where an archive goes that is not on this machine.

    Raises:
        InputError: if it can't be had, or is not a checkpoint.
    """
    place = config.initial_checkpoint
    if names_archive(place):
        _unpack(config, folder, downloads)
    elif place.startswith(SCHEMES):
        _download(place, folder, config.timeout_seconds)
    else:
        _copy(Path(place), folder)
    return _expect_model(folder, config.checkpoint_label)


@contextmanager
def fetched_checkpoint(config: IngestConfig, downloads: Downloads) -> Iterator[Description | None]:
    """Write the folder that pretraining starts from, if the block succeeds.

    Yields:
        What it holds; None where no checkpoint was named.

    Raises:
        InputError: as `fetch_checkpoint` does.
    """
    if not config.initial_checkpoint or config.given_checkpoint is None:
        yield None
        if config.given_checkpoint is not None:
            write_none(config.given_checkpoint)
        return
    with whole_folder(config.given_checkpoint) as scratch:
        yield fetch_checkpoint(config, scratch, downloads)


def _expect_model(folder: Path, place: str) -> Description:
    """Check what lies beside the weights before hours of work that training would waste.

    Raises:
        InputError: if a file is broken, or asks for what training does not do.
    """
    try:
        check_files(folder)
        description = read_description(folder)
    except InputError as error:
        # Not the path of the copy, which nobody knows.
        raise InputError(str(error).replace(str(folder), place.rstrip("/"))) from None
    if description.ignored_fields:
        print(description.ignored_fields.replace(str(folder), place), file=sys.stderr, flush=True)
    return description


def _download(place: str, folder: Path, timeout_seconds: float) -> None:
    # The end of a folder's name: "model" is not part of "model-2".
    bucket = open_bucket(f"{place.rstrip('/')}/", timeout_seconds=timeout_seconds)
    wanted = _choose(bucket.names(), place)
    bucket.download_all({name: folder / name for name in wanted})


def _unpack(config: CheckpointConfig, folder: Path, downloads: Downloads) -> None:
    source = find_file(config.initial_checkpoint, config)
    assert source is not None
    find = partial(_find_in_archive, label=source.label)
    fetched = fetch(source, {}, downloads, find)
    unpack(fetched.path, fetched.content, folder, source.label)


def _find_in_archive(archive: Path, label: str) -> list[PurePosixPath]:
    """Find the files of the one checkpoint in an archive.

    Raises:
        InputError: if it holds several, or lacks a file.
    """
    folder_to_names = list_folders(archive, label)
    found = [
        folder for folder, names in folder_to_names.items() if any(map(_WEIGHTS.fullmatch, names))
    ] or [folder for folder, names in folder_to_names.items() if any(map(_OTHERS.fullmatch, names))]
    if len(found) > 1:
        raise InputError(
            f"{label}: several checkpoints in it ({', '.join(map(str, sorted(found)))}); pack one"
        )
    folder = found[0] if found else PurePosixPath()
    names = _choose(folder_to_names.get(folder, []), label)
    return [folder / name for name in names]


def _copy(source: Path, folder: Path) -> None:
    if "://" in str(source) or not source.is_dir():
        raise InputError(
            f"{source}: no such folder; an initial_checkpoint is a folder of this machine, the "
            f"address of one that begins with {', '.join(SCHEMES)}, or an archive "
            f"({', '.join(SUFFIXES)})"
        )
    names = [path.name for path in source.iterdir() if path.is_file()]
    for name in _choose(names, str(source)):
        shutil.copyfile(source / name, folder / name)


def _choose(names: list[str], place: str) -> list[str]:
    """The files of a checkpoint among those of a folder.

    Raises:
        InputError: if it lacks some.
    """
    chosen = [name for name in names if _WEIGHTS.fullmatch(name) or _OTHERS.fullmatch(name)]
    if not any(map(_WEIGHTS.fullmatch, chosen)):
        expect_readable_weights(names, place)
    has_vocabulary = {"vocab.txt", "tokenizer.json"} & set(chosen)
    missing = [] if has_vocabulary else ["vocab.txt"]
    if not {"bert_config.json", "config.json"} & set(chosen):
        missing.append("bert_config.json (or Hugging Face's config.json)")
    if not any(map(_WEIGHTS.fullmatch, chosen)):
        missing.append("weights (bert_model.ckpt.* or Hugging Face's model.safetensors)")
    if missing:
        raise InputError(
            f"{place}: no {', no '.join(missing)} in it; an initial_checkpoint is a folder or an "
            "archive of this project's, of Google's or of Hugging Face's"
        )
    return sorted(chosen)
