"""Rows on their way to shards, many at once: columns instead of objects.

Axes: R rows, C corpora.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from components.preprocess.batches import CORPORA
from components.preprocess.rows.span_views import join_spans, view_spans


class RowBlock(NamedTuple):
    """Some rows of one length."""

    orders: np.ndarray
    """uint64 [R] random bits: rows stand in this order, since trainers read a shard from its
    start."""
    data: np.ndarray
    """uint8: the rows as they stand in a shard, framed and one after another."""
    sizes: np.ndarray
    """int64 [R]: the bytes of each."""
    num_sequences: np.ndarray
    """int64 [R]."""
    num_tokens: np.ndarray
    """int64 [R, C]; a sequence counts for the corpus of its first segment."""


def gather_rows(data: Any, sizes: np.ndarray, chosen: np.ndarray) -> pa.Buffer:
    """Return some rows one after another.

    Args:
        data: a buffer with all rows.
        sizes: int64 [R], the bytes of each.
        chosen: the indices of those to return, in order.
    """
    starts = np.cumsum(sizes) - sizes
    return join_spans(view_spans(data, starts[chosen], sizes[chosen]), [data])


class RowCounts(NamedTuple):
    """Counts of rows, as dataset.json shows them."""

    num_rows: int = 0
    num_sequences: int = 0
    max_sequences: int = 0
    """Most sequences of a row."""
    num_tokens: tuple[int, ...] = (0,) * len(CORPORA)
    """By corpus."""


def count_rows(num_sequences: np.ndarray, num_tokens: np.ndarray) -> RowCounts:
    """Count rows, given as in a block, together."""
    return RowCounts(
        num_rows=len(num_sequences),
        num_sequences=int(num_sequences.sum()),
        max_sequences=int(num_sequences.max(initial=0)),
        num_tokens=tuple(num_tokens.sum(axis=0).tolist()),
    )


def add_counts(counts: Iterable[RowCounts]) -> RowCounts:
    """Add up the counts of several sets of rows."""
    total = RowCounts()
    for one in counts:
        total = RowCounts(
            total.num_rows + one.num_rows,
            total.num_sequences + one.num_sequences,
            max(total.max_sequences, one.max_sequences),
            tuple(map(sum, zip(total.num_tokens, one.num_tokens, strict=True))),
        )
    return total
