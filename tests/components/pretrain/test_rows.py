"""The order of rows: a function of the seed alone."""

from components.pretrain.dataset_files import find_shards
from components.pretrain.rows import RowReader
from components.shared.tokens.vocabulary import Vocabulary

LENGTH = 32
NUM_ROWS = 121


def open_rows(dataset, vocabulary_path, *, seed=1) -> RowReader:
    shards = find_shards(dataset, length=LENGTH, vocabulary=Vocabulary.read(vocabulary_path))
    return RowReader(shards, seed=seed)


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
        [open_rows(dataset_path, vocabulary_path, seed=seed).read(p).number for p in range(20)]
        for seed in (1, 2)
    ]

    assert orders[0] != orders[1]
