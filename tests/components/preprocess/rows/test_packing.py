from array import array
from itertools import pairwise
from random import Random

import numpy as np
import pytest

from components.preprocess.batches import DUMP, TEXT
from components.preprocess.rows.buckets import Bucket, encode_ids
from components.preprocess.rows.documents import Document
from components.preprocess.rows.packing import Packing, encode_rows, pack_sequences
from components.preprocess.rows.pairs import Pairs
from components.preprocess.rows.row_blocks import cut_records
from components.shared.dataset.packed_rows import decode_row, encode_varint


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


def test_row_has_the_tokens_of_its_sequences(vocabulary):
    """[CLS] A [SEP] B [SEP], one sequence after another, each counted for its A's corpus."""
    bucket = make_bucket()
    pairs = make_pairs((0, 0, 2, 2, 3, 0), (1, 10, 11, 8, 10, 1))
    packing = Packing(np.array([0, 1]), np.array([0, 2]))

    [block] = encode_rows(packing, pairs, bucket, vocabulary, orders=make_orders(7))

    [record] = cut_records(block.data, block.sizes)
    row, cls, sep = decode_row(record), vocabulary.cls_id, vocabulary.sep_id
    assert row.token_ids == [cls, 10, 11, sep, 12, sep, cls, 200, sep, 18, 19, sep]
    assert row.sequence_lengths == [6, 6] == pairs.num_tokens.tolist()
    assert row.first_segment_lengths == [4, 3]
    assert row.next_sentence_labels == [0, 1]
    assert block.orders.tolist() == [7]
    assert (block.num_sequences.tolist(), block.num_tokens.tolist()) == ([2], [[6, 6]])


@pytest.mark.parametrize("rows_at_once", [1, 2, 3, 100])
def test_rows_are_encoded_some_at_once(monkeypatch, vocabulary, rows_at_once):
    """Where rows of one sequence and of several stand beside each other, none changes."""
    bucket = make_bucket()
    pairs = make_pairs(*((0, start, start + 1, start + 1, start + 2, 1) for start in range(8)))
    packing = Packing(np.array([7, 0, 1, 2, 6, 3, 4, 5]), np.array([0, 1, 2, 4, 5, 8]))
    monkeypatch.setattr("components.preprocess.rows.packing._ROWS_AT_ONCE", rows_at_once)

    blocks = list(encode_rows(packing, pairs, bucket, vocabulary, orders=make_orders(*range(5))))

    records = [one for block in blocks for one in cut_records(block.data, block.sizes)]
    first_pieces = [decode_row(record).token_ids[1::5] for record in records]
    assert first_pieces == [[17], [10], [11, 12], [16], [13, 14, 15]]
    assert np.concatenate([block.orders for block in blocks]).tolist() == [0, 1, 2, 3, 4]
    assert np.concatenate([block.num_sequences for block in blocks]).tolist() == [1, 1, 2, 1, 3]
    num_tokens = np.concatenate([block.num_tokens for block in blocks])
    assert num_tokens.tolist() == [[5, 0], [5, 0], [10, 0], [5, 0], [15, 0]]


def make_bucket():
    return Bucket(
        0,
        [
            Document(DUMP, 1, 1, array("I", range(10, 20)), array("I", [10])),
            Document(TEXT, 2, 2, array("I", range(200, 203)), array("I", [3])),
        ],
    )


def make_pairs(*rows):
    return Pairs(*np.array(rows).T)


def make_orders(*orders):
    return np.array(orders, dtype=np.uint64)


_EDGES = [0, 1, 127, 128, 300, 2**14 - 1, 2**14, 2**21 - 1, 2**21, 2**22]


@pytest.mark.parametrize("ids", [_EDGES, _EDGES[::-1], [0], [], [2**22] * 3, [5] * 1000])
def test_ids_are_cut_out_of_their_varints_anywhere(ids):
    """Each is what it would be alone, whatever stands before it."""
    encoded, offsets = encode_ids(np.array(ids, dtype=np.uint32))

    for start, end in [(0, 0), (0, len(ids)), *pairwise(range(len(ids) + 1))]:
        cut = encoded[offsets[start] : offsets[end]]
        assert cut == b"".join(map(encode_varint, ids[start:end]))
