from array import array
from itertools import pairwise

import numpy as np
import pytest

from components.preprocess.batches import DUMP, TEXT
from components.preprocess.rows.buckets import Bucket, encode_ids
from components.preprocess.rows.documents import Document
from components.preprocess.rows.encoding import encode_rows
from components.preprocess.rows.packing import Packing
from components.preprocess.rows.pairs import Pairs
from components.shared.dataset.packed_rows import decode_row, encode_varint
from components.shared.errors import InputError
from tests.records import read_block


def test_row_has_the_tokens_of_its_sequences(vocabulary):
    """[CLS] A [SEP] B [SEP], one sequence after another, each counted for its A's corpus."""
    bucket = make_bucket()
    pairs = make_pairs((0, 0, 2, 2, 3, 0), (1, 10, 11, 8, 10, 1))
    packing = Packing(np.array([0, 1]), np.array([0, 2]))

    [block] = encode_rows(packing, pairs, bucket, vocabulary, orders=make_orders(7), length=12)

    [record] = read_block(block)
    row, cls, sep = decode_row(record), vocabulary.cls_id, vocabulary.sep_id
    assert row.token_ids == [cls, 10, 11, sep, 12, sep, cls, 200, sep, 18, 19, sep]
    assert row.sequence_lengths == [6, 6] == pairs.num_tokens.tolist()
    assert row.first_segment_lengths == [4, 3]
    assert row.next_sentence_labels == [0, 1]
    assert block.orders.tolist() == [7]
    assert (block.num_sequences.tolist(), block.num_tokens.tolist()) == ([2], [[6, 6]])


@pytest.mark.parametrize("tokens_at_once", [1, 20, 40, 1000])
def test_rows_are_encoded_some_at_once(monkeypatch, vocabulary, tokens_at_once):
    """Rows of one sequence and of several stand side by side."""
    bucket = make_bucket()
    pairs = make_pairs(*((0, start, start + 1, start + 1, start + 2, 1) for start in range(8)))
    packing = Packing(np.array([7, 0, 1, 2, 6, 3, 4, 5]), np.array([0, 1, 2, 4, 5, 8]))
    monkeypatch.setattr("components.preprocess.rows.encoding._TOKENS_AT_ONCE", tokens_at_once)

    orders = make_orders(*range(5))
    blocks = list(encode_rows(packing, pairs, bucket, vocabulary, orders, length=15))

    records = [one for block in blocks for one in read_block(block)]
    first_pieces = [decode_row(record).token_ids[1::5] for record in records]
    assert first_pieces == [[17], [10], [11, 12], [16], [13, 14, 15]]
    assert np.concatenate([block.orders for block in blocks]).tolist() == [0, 1, 2, 3, 4]
    assert np.concatenate([block.num_sequences for block in blocks]).tolist() == [1, 1, 2, 1, 3]
    num_tokens = np.concatenate([block.num_tokens for block in blocks])
    assert num_tokens.tolist() == [[5, 0], [5, 0], [10, 0], [5, 0], [15, 0]]


def make_bucket(num_pieces=10):
    return Bucket(
        0,
        [
            Document(DUMP, 1, 1, array("I", range(10, 10 + num_pieces)), array("I", [num_pieces])),
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


def test_documents_of_too_many_pieces_are_rejected(monkeypatch):
    """A view addresses at most 2 GB; the error names the setting to lower."""
    monkeypatch.setattr("components.preprocess.rows.buckets.MAX_BUFFER_BYTES", 16)

    assert len(make_bucket(10).varints.encoded) == 16
    with pytest.raises(InputError, match=r"2 document\(s\) .* 14 word pieces.*max_document_mb"):
        _ = make_bucket(11).varints
