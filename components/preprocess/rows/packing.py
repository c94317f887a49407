"""Rows that hold several sequences, so that little of a row is padding.

Axes: N sequences, R rows.
"""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple, TypeVar

import numpy as np

from components.preprocess.rows.buckets import Bucket
from components.preprocess.rows.pairs import Pairs, count_by_corpus
from components.preprocess.rows.row_blocks import RowBlock
from components.shared.dataset.packed_rows import encode_varint, open_rows
from components.shared.tokens.vocabulary import Vocabulary

# As many as are encoded together: a few megabytes of records.
_ROWS_AT_ONCE = 1 << 14
_Cut = TypeVar("_Cut", bytes, tuple[int, ...])


class Packing(NamedTuple):
    """Which sequences share a row."""

    sequences: np.ndarray
    """int64 [N]: the indices of the sequences, row by row."""
    bounds: np.ndarray
    """int64 [R + 1]: where each row starts among them, and the end of the last."""


def pack_sequences(sizes: np.ndarray, length: int) -> Packing:
    """Put sequences into rows: the longest first, each where it leaves the least room.

    Args:
        sizes: [N] the tokens of each sequence; among those of one size the order decides.
        length: tokens that a row has room for.
    """
    order = np.argsort(-sizes, kind="stable")
    # Most sequences leave no room for even the shortest: each is a row, without a search.
    num_alone = int(np.count_nonzero(sizes + sizes.min(initial=length) > length))
    rest = order[num_alone:]
    rows = _fit(rest.tolist(), sizes[rest].tolist(), length)
    counts = [1] * num_alone + list(map(len, rows))
    return Packing(
        np.concatenate([order[:num_alone], np.array(list(chain(*rows)), dtype=np.int64)]),
        np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]),
    )


def _fit(sequences: list[int], sizes: list[int], length: int) -> list[list[int]]:
    """The sequences of each row, which come in descending order of size."""
    rows: list[list[int]] = []
    room_to_rows: list[list[int]] = [[] for _ in range(length + 1)]
    rooms = 0  # bit r is set where a row has room for r more tokens
    for sequence, size in zip(sequences, sizes, strict=True):
        fitting = rooms >> size
        if fitting:
            room = size + (fitting & -fitting).bit_length() - 1
            row = room_to_rows[room].pop()
            if not room_to_rows[room]:
                rooms &= ~(1 << room)
        else:
            room, row = length, len(rows)
            rows.append([])
        rows[row].append(sequence)
        room_to_rows[room - size].append(row)
        rooms |= 1 << (room - size)
    return rows


def encode_rows(
    packing: Packing, pairs: Pairs, bucket: Bucket, vocabulary: Vocabulary, orders: np.ndarray
) -> Iterator[RowBlock]:
    """Yield the rows of sequence pairs, some thousand at once.

    Args:
        packing: which pairs share a row.
        pairs: all pairs of a length.
        bucket: what they are of.
        vocabulary: supplies the special ids.
        orders: uint64 [R] of the rows.
    """
    for start in range(0, len(orders), _ROWS_AT_ONCE):
        bounds = packing.bounds[start : start + _ROWS_AT_ONCE + 1]
        chosen = packing.sequences[bounds[0] : bounds[-1]]
        sequences = Pairs(*(column[chosen] for column in pairs))
        starts = bounds[:-1] - bounds[0]
        data, sizes = _encode(sequences, np.append(starts, len(chosen)), bucket, vocabulary)
        yield RowBlock(
            orders=orders[start : start + _ROWS_AT_ONCE],
            data=data,
            sizes=sizes,
            num_sequences=np.diff(bounds),
            num_tokens=np.add.reduceat(count_by_corpus(sequences, bucket), starts),
        )


def _encode(
    pairs: Pairs, bounds: np.ndarray, bucket: Bucket, vocabulary: Vocabulary
) -> tuple[bytes, np.ndarray]:
    """The records of rows, whose pairs stand between bounds, and the bytes of each."""
    cls, sep = encode_varint(vocabulary.cls_id), encode_varint(vocabulary.sep_id)
    encoded, offsets = bucket.varints
    a_starts, a_ends, b_starts, b_ends = (offsets[places] for places in pairs[1:5])
    num_bytes = a_ends - a_starts + b_ends - b_starts + len(cls) + 2 * len(sep)
    row_bytes = np.add.reduceat(num_bytes, bounds[:-1])
    openings = open_rows(
        _group(pairs.num_tokens, bounds),
        _group(pairs.a_ends - pairs.a_starts + 2, bounds),
        _group(pairs.labels, bounds),
        row_bytes.tolist(),
    )
    # Joined for all rows at once: one by one takes several times as long.
    parts = [sep] * (5 * len(num_bytes))
    parts[0::5] = [cls] * len(num_bytes)
    parts[1::5] = _cut(encoded, a_starts, a_ends)
    parts[3::5] = _cut(encoded, b_starts, b_ends)
    for first, opening in zip((5 * bounds[:-1]).tolist(), openings, strict=True):
        parts[first] = opening + cls
    sizes = row_bytes + np.fromiter(map(len, openings), np.int64, len(openings))
    return b"".join(parts), sizes


def _group(values: np.ndarray, bounds: np.ndarray) -> Iterable[tuple[int, ...]]:
    """The values of each row."""
    if len(values) == len(bounds) - 1:
        return zip(values.tolist(), strict=True)
    return _cut(tuple(values.tolist()), bounds[:-1], bounds[1:])


def _cut(values: _Cut, starts: np.ndarray, ends: np.ndarray) -> list[_Cut]:
    return [values[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
