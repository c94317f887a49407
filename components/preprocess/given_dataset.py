"""A dataset that was prepared before, in place of one that is made here."""

import shutil
from pathlib import Path

from components.preprocess.config import PreprocessConfig
from components.preprocess.storage import filesystem
from components.shared.dataset.folder import MANIFEST, is_none, read_dataset
from components.shared.errors import InputError
from components.shared.stage.start import Metadata


def find_given(config: PreprocessConfig, vocabulary: Path | None) -> Path | None:
    """Return the folder of a dataset that was prepared before, None without one.

    Args:
        config: the stage's settings.
        vocabulary: the file that the dataset's ids are of.

    Raises:
        InputError: if it lacks rows of a length that is asked for, or its vocabulary is missing.
    """
    folder = config.given_dataset
    if folder is None or is_none(folder):
        return None
    lengths = read_dataset(folder).lengths
    for length in map(str, config.lengths()):
        if length not in lengths:
            raise InputError(
                f"{folder / MANIFEST}: no rows of length {length}, only of {', '.join(lengths)}; "
                "give a dataset that has them, or the text to make one of"
            )
    if vocabulary is None:
        raise InputError(
            f"{folder}: the dataset's vocabulary is missing; give given_vocabulary or "
            "initial_checkpoint"
        )
    return folder


def pass_on(given: Path, dataset: str) -> str:
    """Copy a dataset, whole or not at all, and return its dataset.json.

    Args:
        given: its folder.
        dataset: the address of the folder to write.
    """
    with filesystem.whole_dataset(dataset) as folder:
        for shard in read_dataset(given).list_shards():
            with filesystem.whole_file(filesystem.join(folder, shard.file)) as scratch:
                shutil.copyfile(given / shard.file, scratch)
        # The same bytes: trainings tell datasets apart by them.
        text = (given / MANIFEST).read_text(encoding="utf-8")
        filesystem.write_text(filesystem.join(folder, MANIFEST), text)
    return text


def summarize(given: Path) -> Metadata:
    """Return what Kubeflow shows of a dataset."""
    described = read_dataset(given)
    return {
        "dataset": {
            f"num_rows_{name}": sum(shard.num_rows for shard in length.shards)
            for name, length in described.lengths.items()
        },
        "vocabulary": {"sha256": described.vocabulary.sha256},
    }
