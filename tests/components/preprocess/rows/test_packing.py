from array import array
from itertools import pairwise
from random import Random

import numpy as np
import pytest

from components.preprocess.batches import DUMP, TEXT
from components.preprocess.rows.buckets import Bucket, encode_ids
from components.preprocess.rows.documents import Document
from components.preprocess.rows.packing import count_tokens, encode_rows, pack_sequences
from components.shared.dataset.packed_rows import decode_row, encode_varint


def pack(sizes, length):
    """The sizes in each row."""
    return [[sizes[index] for index in row] for row in pack_sequences(np.array(sizes), length)]


def test_longest_come_first_each_where_it_leaves_least_room():
    """8 and 6 open rows; 4 goes to the 6, 2 to the 8, 3 opens a third."""
    assert pack([5, 8, 6, 4 + 1, 10 - 8 + 4], 14) == [[8, 6], [6, 5], [5]]


def test_of_equal_sequences_the_first_given_comes_first():
    """Also among those that leave no room for another."""
    assert pack_sequences(np.array([5, 9, 6, 9, 4]), 10) == [[1], [3], [2, 4], [0]]


def test_nothing_to_pack_gives_no_row():
    """A bucket may be empty."""
    assert pack_sequences(np.array([], dtype=np.int64), 10) == []


def test_no_row_is_overfull_and_no_sequence_is_lost():
    """A thousand sequences of all lengths are all there, in rows of at most 128."""
    rng = Random(1)
    sizes = [rng.randint(5, 128) for _ in range(1000)]

    rows = pack(sizes, 128)

    assert sorted(size for row in rows for size in row) == sorted(sizes)
    assert max(sum(row) for row in rows) <= 128
    assert sum(sizes) / (128 * len(rows)) > 0.98


def test_row_has_the_tokens_of_its_sequences(vocabulary):
    """[CLS] A [SEP] B [SEP], one sequence after another, each counted for its A's corpus."""
    documents = [
        Document(DUMP, 1, 1, array("I", range(10, 20)), array("I", [10])),
        Document(TEXT, 2, 2, array("I", range(200, 203)), array("I", [3])),
    ]
    pairs_N6 = np.array([(0, 0, 2, 2, 3, 0), (1, 10, 11, 8, 10, 1)])

    [(num_sequences, num_tokens, record)] = encode_rows(
        [[0, 1]], pairs_N6, Bucket(0, documents), vocabulary
    )

    row, cls, sep = decode_row(record), vocabulary.cls_id, vocabulary.sep_id
    assert row.token_ids == [cls, 10, 11, sep, 12, sep, cls, 200, sep, 18, 19, sep]
    assert row.sequence_lengths == [6, 6] == list(count_tokens(pairs_N6))
    assert row.first_segment_lengths == [4, 3]
    assert row.next_sentence_labels == [0, 1]
    assert (num_sequences, num_tokens) == (2, (6, 6))


_EDGES = [0, 1, 127, 128, 300, 2**14 - 1, 2**14, 2**21 - 1, 2**21, 2**28 - 1, 2**28, 2**32 - 1]


@pytest.mark.parametrize("ids", [_EDGES, _EDGES[::-1], [0], [2**32 - 1] * 3, [5] * 1000])
def test_ids_are_cut_out_of_their_varints_anywhere(ids):
    """Each is what it would be alone, whatever stands before it."""
    encoded, offsets = encode_ids(array("I", ids))

    for start, end in [(0, 0), (0, len(ids)), *pairwise(range(len(ids) + 1))]:
        cut = encoded[offsets[start] : offsets[end]]
        assert cut == b"".join(map(encode_varint, ids[start:end]))
