from itertools import pairwise
from random import Random

import numpy as np

from components.preprocess.rows.packing import pack_sequences


def list_rows(packing):
    """The sequences of each row."""
    return [packing.sequences[a:b].tolist() for a, b in pairwise(packing.bounds)]


def pack(sizes, length):
    """The sizes in each row."""
    rows = list_rows(pack_sequences(np.array(sizes), length))
    return [[sizes[index] for index in row] for row in rows]


def test_longest_come_first_each_where_it_leaves_least_room():
    """8 and 6 open rows; 4 goes to the 6, 2 to the 8, 3 opens a third."""
    assert pack([5, 8, 6, 4 + 1, 10 - 8 + 4], 14) == [[8, 6], [6, 5], [5]]


def test_of_equal_sequences_the_first_given_comes_first():
    """Also among those that leave no room for another."""
    assert list_rows(pack_sequences(np.array([5, 9, 6, 9, 4]), 10)) == [[1], [3], [2, 4], [0]]


def test_nothing_to_pack_gives_no_row():
    """A bucket may be empty."""
    assert list_rows(pack_sequences(np.array([], dtype=np.int64), 10)) == []


def test_no_row_is_overfull_and_no_sequence_is_lost():
    """A thousand sequences of all lengths are all there, in rows of at most 128."""
    rng = Random(1)
    sizes = [rng.randint(5, 128) for _ in range(1000)]

    rows = pack(sizes, 128)

    assert sorted(size for row in rows for size in row) == sorted(sizes)
    assert max(sum(row) for row in rows) <= 128
    assert sum(sizes) / (128 * len(rows)) > 0.98
