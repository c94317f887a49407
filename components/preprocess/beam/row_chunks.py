"""Rows between the step that makes them and the one that writes shards.

As in beam/chunks.py, but a chunk holds rows as they stand in a shard, framed and one after
another, behind their orders and sizes: a receiver puts whole megabytes in order at once.
"""

import math
import pickle
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from components.preprocess.beam.chunk_files import ChunkFile, Place, open_places
from components.preprocess.beam.chunks import MAX_GATHERED_BYTES
from components.preprocess.rows.row_blocks import (
    RowBlock,
    RowCounts,
    add_counts,
    count_rows,
    gather_rows,
)
from components.preprocess.rows.shards import ShardSet

# A shard as plain values, which every runner takes as a key: its set, and its number there.
ShardKey = tuple[int, bool, int]

# How much a receiver reads at once: of all its chunks, and of each at least.
_READ_BYTES = 8 << 20
_MIN_READ_BYTES = 4 << 10


class _RowChunk(NamedTuple):
    counts: RowCounts
    num_bytes: int
    """Of the rows."""
    place: Place
    """uint64 [2, R] orders and sizes, ascending by order, then the rows."""


class RowGatherer:
    """Rows on their way to shards."""

    def __init__(self, folder: Path | None, shard_counts: Mapping[ShardSet, int]) -> None:
        """Nothing is gathered yet; `folder` is where chunks go, None has them hold rows."""
        self._file = ChunkFile(folder)
        self._shard_counts = shard_counts
        self._shards_to_blocks: dict[ShardSet, list[RowBlock]] = defaultdict(list)
        self._num_bytes = 0

    def add(self, shards: ShardSet, block: RowBlock) -> None:
        """Gather rows."""
        self._shards_to_blocks[shards].append(block)
        self._num_bytes += len(block.data)

    def is_full(self) -> bool:
        """Whether it is time to hand on what is gathered."""
        return self._num_bytes >= MAX_GATHERED_BYTES

    def hand_on(self) -> Iterator[tuple[ShardKey, bytes]]:
        """The shards of all that is gathered, and a chunk for each."""
        gathered, self._shards_to_blocks = self._shards_to_blocks, defaultdict(list)
        self._num_bytes = 0
        for shards, blocks in gathered.items():
            for shard, chunk in self._write(blocks, self._shard_counts[shards]):
                yield (*shards, shard), chunk

    def finish(self) -> Iterator[tuple[ShardKey, bytes]]:
        """The same at the end of a bundle."""
        yield from self.hand_on()
        self._file.close()

    def _write(self, blocks: Sequence[RowBlock], num_shards: int) -> Iterator[tuple[int, bytes]]:
        """The shards that rows fall to, and a chunk for each."""
        columns = map(np.concatenate, zip(*blocks, strict=True))
        orders, data, sizes, num_sequences, num_tokens = columns
        shards = orders % np.uint64(num_shards)
        rows = np.lexsort((orders, shards))
        bounds = np.searchsorted(shards[rows], np.arange(num_shards + 1, dtype=np.uint64))
        for shard in np.flatnonzero(np.diff(bounds)).tolist():
            chosen = rows[bounds[shard] : bounds[shard + 1]]
            header = np.stack([orders[chosen], sizes[chosen].astype(np.uint64)])
            chunk = _RowChunk(
                count_rows(num_sequences[chosen], num_tokens[chosen]),
                int(header[1].sum()),
                self._file.write(header, gather_rows(data, sizes, chosen)),
            )
            yield shard, pickle.dumps(chunk, protocol=5)


def make_empty_chunk() -> bytes:
    """Make a chunk without rows, for a shard that may get none."""
    return pickle.dumps(_RowChunk(RowCounts(), 0, Place(b"", "", 0)), protocol=5)


class RowChunks:
    """The chunks of a shard."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks: list[_RowChunk] = [pickle.loads(one) for one in chunks]  # noqa: S301 - ours

    def count(self) -> RowCounts:
        """Count the rows of all chunks."""
        return add_counts(chunk.counts for chunk in self._chunks)

    def merge(self) -> Iterator[pa.Buffer]:
        """Yield the framed rows of all chunks in order, some megabytes at once."""
        num_bytes = sum(chunk.num_bytes for chunk in self._chunks)
        at_once = max(_READ_BYTES, _MIN_READ_BYTES * len(self._chunks))
        num_ranges = max(1, math.ceil(num_bytes / at_once))
        with ExitStack() as files:
            opened = open_places([chunk.place for chunk in self._chunks], files)
            streams = list(map(_RowStream, self._chunks, opened))
            # Orders are random, so equal ranges of them hold about equally many rows.
            for number in range(1, num_ranges + 1):
                last_order = (number << 64) // num_ranges - 1
                yield _sort_rows(stream.read_to(last_order) for stream in streams)


class _RowStream:
    """The rows of a chunk, read in parts."""

    def __init__(self, chunk: _RowChunk, stream: Any) -> None:
        num_rows = chunk.counts.num_rows
        self._stream = stream
        header = np.frombuffer(_read(stream, 2 * 8 * num_rows), np.uint64)
        self._orders, self._sizes = header.reshape(2, num_rows)
        self._num_read = 0

    def read_to(self, last_order: int) -> tuple[np.ndarray, np.ndarray, bytes]:
        """Return orders, sizes and bytes of the rows up to an order that have not been read."""
        end = int(np.searchsorted(self._orders, np.uint64(last_order), side="right"))
        rows, self._num_read = slice(self._num_read, end), end
        sizes = self._sizes[rows]
        return self._orders[rows], sizes, _read(self._stream, int(sizes.sum()))


def _read(stream: Any, num_bytes: int) -> bytes:
    """Read exactly so many bytes; a stream may return fewer at once."""
    parts, missing = [], num_bytes
    while missing and (part := stream.read(missing)):
        parts.append(part)
        missing -= len(part)
    if missing:
        raise OSError(f"a chunk of rows lacks {missing} byte(s); run preprocessing again")
    return b"".join(parts)


def _sort_rows(parts: Iterable[tuple[np.ndarray, np.ndarray, bytes]]) -> pa.Buffer:
    """Put the rows of several chunks in order."""
    all_orders, all_sizes, all_data = zip(*parts, strict=True)
    orders, data = np.concatenate(all_orders), b"".join(all_data)
    sizes = np.concatenate(all_sizes).astype(np.int64)
    rows = np.argsort(orders, kind="stable")
    if len(np.unique(orders)) < len(orders):  # by chance: then the rows themselves decide
        bounds = np.concatenate([[0], np.cumsum(sizes)]).tolist()
        rows = np.array(
            sorted(
                rows.tolist(), key=lambda row: (orders[row], data[bounds[row] : bounds[row + 1]])
            )
        )
    return gather_rows(data, sizes, rows)
