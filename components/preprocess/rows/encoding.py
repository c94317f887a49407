"""Rows as they stand in a shard: their sequences one after another, framed.

The pieces of a row are cut out of those of its bucket, which are encoded once.
"""

from collections.abc import Iterable, Iterator
from typing import TypeVar

import google_crc32c
import numpy as np

from components.preprocess.rows.buckets import Bucket
from components.preprocess.rows.packing import Packing
from components.preprocess.rows.pairs import Pairs, count_by_corpus
from components.preprocess.rows.row_blocks import RowBlock
from components.preprocess.rows.span_views import join_spans, view_bytes, view_spans
from components.shared.dataset.packed_rows import encode_varint, open_rows
from components.shared.dataset.tfrecords import (
    CRC_BYTES,
    HEADER_BYTES,
    frame_header,
    mask_crcs,
)
from components.shared.tokens.vocabulary import Vocabulary

_TOKENS_AT_ONCE = 1 << 20

_Cut = TypeVar("_Cut", bytes, tuple[int, ...])


def count_at_once(length: int) -> int:
    """Return how many rows of a length to encode together, which bounds their memory."""
    return max(1, _TOKENS_AT_ONCE // length)


def encode_rows(
    packing: Packing,
    pairs: Pairs,
    bucket: Bucket,
    vocabulary: Vocabulary,
    orders: np.ndarray,
    *,
    length: int,
) -> Iterator[RowBlock]:
    """Yield the rows of sequence pairs, some thousand at once.

    Args:
        packing: which pairs share a row.
        pairs: all pairs of the length.
        bucket: what they are of.
        vocabulary: supplies the special ids.
        orders: uint64 [R] of the rows.
        length: tokens that a row has room for.
    """
    num_rows = count_at_once(length)
    for start in range(0, len(orders), num_rows):
        bounds = packing.bounds[start : start + num_rows + 1]
        chosen = pairs.choose(packing.sequences[bounds[0] : bounds[-1]])
        bounds = bounds - bounds[0]
        data, sizes = _encode(chosen, bounds, bucket, vocabulary)
        yield RowBlock(
            orders=orders[start : start + num_rows],
            data=data,
            sizes=sizes,
            num_sequences=np.diff(bounds),
            num_tokens=np.add.reduceat(count_by_corpus(chosen, bucket), bounds[:-1]),
        )


def _encode(
    pairs: Pairs, bounds: np.ndarray, bucket: Bucket, vocabulary: Vocabulary
) -> tuple[np.ndarray, np.ndarray]:
    """Data and sizes of the rows, as in `RowBlock`, whose pairs stand between bounds."""
    cls, sep = encode_varint(vocabulary.cls_id), encode_varint(vocabulary.sep_id)
    encoded, offsets = bucket.varints
    a_starts, a_ends, b_starts, b_ends = (offsets[places] for places in pairs[1:5])
    a_sizes, b_sizes = a_ends - a_starts, b_ends - b_starts
    pair_sizes = len(cls) + a_sizes + len(sep) + b_sizes + len(sep)
    token_bytes = np.add.reduceat(pair_sizes, bounds[:-1])
    openings = open_rows(
        _group(pairs.num_tokens, bounds),
        _group(pairs.a_ends - pairs.a_starts + 2, bounds),  # with [CLS] and [SEP]
        _group(pairs.labels, bounds),
        token_bytes.tolist(),
    )
    record_bytes = _measure(openings) + token_bytes
    headers = map(frame_header, record_bytes.tolist())
    heads = [header + opening + cls for header, opening in zip(headers, openings, strict=True)]
    joined_heads, head_sizes = b"".join(heads), _measure(heads)
    head_starts = np.cumsum(head_sizes) - head_sizes

    views = np.empty((len(pair_sizes), 5, 4), np.int32)
    views[:, 0] = view_bytes(cls)
    views[bounds[:-1], 0] = view_spans(joined_heads, head_starts, head_sizes, index=1)
    views[:, 1] = view_spans(encoded, a_starts, a_sizes)
    views[:, 2] = view_bytes(sep)
    views[:, 3] = view_spans(encoded, b_starts, b_sizes)
    views[:, 4] = view_bytes(sep)
    views[bounds[1:] - 1, 4] = view_bytes(sep + bytes(CRC_BYTES))
    rows = join_spans(views.reshape(-1, 4), [encoded, joined_heads]).to_pybytes()
    sizes = HEADER_BYTES + record_bytes + CRC_BYTES
    return _fill_in_checksums(rows, sizes), sizes


def _fill_in_checksums(rows: bytes, sizes: np.ndarray) -> np.ndarray:
    """Return the rows, uint8, with the checksum of each record in the room behind it."""
    ends = np.cumsum(sizes)
    records = _cut(rows, ends - sizes + HEADER_BYTES, ends - CRC_BYTES)
    crcs = mask_crcs(np.fromiter(map(google_crc32c.value, records), "<u4", len(records)))
    framed = np.frombuffer(rows, np.uint8).copy()
    framed[ends[:, None] + np.arange(-CRC_BYTES, 0)] = crcs.view(np.uint8).reshape(-1, CRC_BYTES)
    return framed


def _group(values: np.ndarray, bounds: np.ndarray) -> Iterable[tuple[int, ...]]:
    """The values of each row."""
    if len(values) == len(bounds) - 1:
        return zip(values.tolist(), strict=True)
    return _cut(tuple(values.tolist()), bounds[:-1], bounds[1:])


def _cut(values: _Cut, starts: np.ndarray, ends: np.ndarray) -> list[_Cut]:
    return [values[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]


def _measure(parts: list[bytes]) -> np.ndarray:
    return np.fromiter(map(len, parts), np.int64, len(parts))
