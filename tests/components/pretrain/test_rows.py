"""The order of rows: a function of the seed alone."""

import os
import resource

import pytest

from components.pretrain.dataset_files import Shards, find_shards
from components.pretrain.rows import RowReader
from components.shared.dataset import tfrecords
from components.shared.tokens.vocabulary import Vocabulary
from tests.bombs import peak_of_memory
from tests.records import write_records

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


NUM_SHARDS, RECORD_BYTES = 2000, 20_000


@pytest.fixture
def few_open_files():
    """Lets the process open 20 files more than it has."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 20, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@pytest.mark.usefixtures("few_open_files")
@pytest.mark.parametrize("is_mapped", [False, True])
def test_any_number_of_shards_takes_the_memory_and_the_files_of_a_few(
    tmp_path, monkeypatch, is_mapped
):
    """Also where each is so large that it is mapped and stays open."""
    if is_mapped:
        monkeypatch.setattr(tfrecords, "_MAX_BYTES_IN_MEMORY", 0)
    paths = [tmp_path / f"shard-{number}" for number in range(NUM_SHARDS)]
    for path in paths:
        write_records(path, [bytes(RECORD_BYTES)])
    sizes, checksums = [1] * NUM_SHARDS, [""] * NUM_SHARDS
    rows = RowReader(
        Shards(paths, sizes, checksums, is_packed=True, lowercase=True, fingerprint="x"), seed=1
    )

    with peak_of_memory() as peak:
        read = {rows.read(position).path for position in range(NUM_SHARDS)}

    assert read == set(paths)
    assert peak() < NUM_SHARDS * RECORD_BYTES / 10
