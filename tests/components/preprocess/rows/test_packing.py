from array import array
from itertools import pairwise
from random import Random

import pytest

from components.preprocess.rows.documents import Document
from components.preprocess.rows.packing import encode_ids, encode_pairs, list_tokens, pack_pairs
from components.preprocess.rows.pairs import Pair, Span
from components.shared.dataset.packed_rows import decode_row, encode_varint


def make_pair(length):
    """A pair of so many tokens with its special ones."""
    return Pair(Span(0, 0, 1), Span(0, 0, length - 4), 0)


def lengths(rows):
    return [[len(pair) for pair in row] for row in rows]


def test_longest_come_first_each_where_it_leaves_least_room():
    """8 and 6 open rows; 4 goes to the 6, 2 to the 8, 3 opens a third."""
    rows = pack_pairs([make_pair(size) for size in (5, 8, 6, 4 + 1, 10 - 8 + 4)], 14)

    assert lengths(rows) == [[8, 6], [6, 5], [5]]


def test_no_row_is_overfull_and_no_pair_is_lost():
    """A thousand pairs of all lengths are all there, in rows of at most 128."""
    rng = Random(1)
    pairs = [make_pair(rng.randint(5, 128)) for _ in range(1000)]

    rows = pack_pairs(pairs, 128)

    assert sorted(size for row in lengths(rows) for size in row) == sorted(map(len, pairs))
    assert max(sum(row) for row in lengths(rows)) <= 128
    assert sum(map(len, pairs)) / (128 * len(rows)) > 0.98


def test_row_has_the_tokens_of_its_sequences(vocabulary):
    """[CLS] A [SEP] B [SEP], one sequence after another."""
    document = Document(0, 1, 1, array("I", range(10, 20)), array("I", [10]))
    pairs = [Pair(Span(0, 0, 2), Span(0, 2, 3), 0), Pair(Span(0, 5, 6), Span(0, 8, 10), 1)]

    row = decode_row(encode_pairs(pairs, [encode_ids(document.piece_ids)], vocabulary))

    cls, sep = vocabulary.cls_id, vocabulary.sep_id
    assert row.token_ids == [cls, 10, 11, sep, 12, sep, cls, 15, sep, 18, 19, sep]
    assert list_tokens(pairs[1], [document], vocabulary) == row.token_ids[6:]
    assert row.sequence_lengths == [6, 6]
    assert row.first_segment_lengths == [4, 3]
    assert row.next_sentence_labels == [0, 1]


_EDGES = [0, 1, 127, 128, 300, 2**14 - 1, 2**14, 2**21 - 1, 2**21, 2**28 - 1, 2**28, 2**32 - 1]


@pytest.mark.parametrize("ids", [_EDGES, _EDGES[::-1], [0], [2**32 - 1] * 3, [5] * 1000])
def test_ids_are_cut_out_of_their_varints_anywhere(ids):
    """Each is what it would be alone, whatever stands before it."""
    encoded, offsets = encode_ids(array("I", ids))

    for start, end in [(0, 0), (0, len(ids)), *pairwise(range(len(ids) + 1))]:
        cut = encoded[offsets[start] : offsets[end]]
        assert cut == b"".join(map(encode_varint, ids[start:end]))
