"""The order of rows, and what is refused before training starts."""

import json
import shutil

import pytest

from components.pretrain.rows import RowReader
from components.shared.errors import InputError
from components.shared.vocabulary import Vocabulary

LENGTH = 32
NUM_ROWS = 121


def open_rows(dataset, vocabulary_path, *, seed=1, length=LENGTH) -> RowReader:
    return RowReader(dataset, length=length, vocabulary=Vocabulary.read(vocabulary_path), seed=seed)


@pytest.fixture
def copy(dataset_path, tmp_path):
    return shutil.copytree(dataset_path, tmp_path / "copy")


def test_each_row_comes_once_an_epoch(dataset_path, vocabulary_path):
    """Shuffled, and in another order the next time."""
    rows = open_rows(dataset_path, vocabulary_path)

    first = [rows.read(position)[:2] for position in range(NUM_ROWS)]
    second = [rows.read(position)[:2] for position in range(NUM_ROWS, 2 * NUM_ROWS)]

    assert [epoch for epoch, _ in first + second] == [0] * NUM_ROWS + [1] * NUM_ROWS
    assert sorted(row for _, row in first) == list(range(NUM_ROWS))
    assert sorted(row for _, row in second) == list(range(NUM_ROWS))
    assert [row for _, row in first] != [row for _, row in second]


def test_a_position_has_its_row_wherever_reading_starts(dataset_path, vocabulary_path):
    """A restarted run goes on with the rows that would have come."""
    straight = open_rows(dataset_path, vocabulary_path)
    expected = [straight.read(position) for position in range(150)][149]

    assert open_rows(dataset_path, vocabulary_path).read(149) == expected


def test_the_seed_changes_the_order(dataset_path, vocabulary_path):
    """Two seeds, two orders."""
    orders = [
        [open_rows(dataset_path, vocabulary_path, seed=seed).read(p)[1] for p in range(20)]
        for seed in (1, 2)
    ]

    assert orders[0] != orders[1]


def test_an_altered_shard_is_found(copy, vocabulary_path):
    """A changed byte, before any training."""
    path = copy / "shard-00001-of-00002.tfrecord"
    content = bytearray(path.read_bytes())
    content[50] ^= 1
    path.write_bytes(content)

    with pytest.raises(InputError, match=r"shard-00001-of-00002\.tfrecord: altered or cut short"):
        open_rows(copy, vocabulary_path).check_shards()


def test_a_missing_shard_is_found(copy, vocabulary_path):
    """Named, with the remedy."""
    (copy / "shard-00000-of-00002.tfrecord").unlink()

    with pytest.raises(InputError, match=r"shard-00000.*missing; run the preprocess stage again"):
        open_rows(copy, vocabulary_path).check_shards()


def test_another_length_is_refused(dataset_path, vocabulary_path):
    """The message names the lengths there are."""
    with pytest.raises(InputError, match="no rows of length 512, only of 32"):
        open_rows(dataset_path, vocabulary_path, length=512)


def test_another_vocabulary_is_refused(dataset_path, vocabulary_path, tmp_path):
    """Its ids would mean other words."""
    other = tmp_path / "vocab.txt"
    other.write_text(vocabulary_path.read_text("utf-8") + "more\n", encoding="utf-8")

    with pytest.raises(InputError, match="made with another vocabulary"):
        open_rows(dataset_path, other)


def test_a_dataset_of_another_format_is_refused(copy, vocabulary_path):
    """A later release may write otherwise."""
    manifest = json.loads((copy / "dataset.json").read_text("utf-8"))
    (copy / "dataset.json").write_text(json.dumps({**manifest, "format_version": 99}), "utf-8")

    with pytest.raises(InputError, match="format_version 99, this release reads 1"):
        open_rows(copy, vocabulary_path)
