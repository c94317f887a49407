"""Which sequences share a row, so that little of a row is padding.

Axes: N sequences, R rows.
"""

from itertools import chain
from typing import NamedTuple

import numpy as np


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
