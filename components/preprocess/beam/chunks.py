"""What one step makes and another takes up, in sorted chunks.

A step gathers what it makes until that fills some megabytes, sorts it, and hands it on as
one chunk for each receiver. A receiver merges its chunks while it reads them, so no process
ever holds all that one receiver gets, let alone a dataset.
"""

import heapq
import io
import pickle
import zlib
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from components.preprocess.beam.chunk_files import ChunkFile, Place, open_places

# What a step may gather. More makes fewer chunks, whose places the embedded runner holds.
MAX_GATHERED_BYTES = 32 << 20
# All streams of a receiver together; each gets a share of it.
_READ_BYTES = 16 << 20
_MIN_BUFFER_BYTES, _MAX_BUFFER_BYTES = 4 << 10, 256 << 10
# Items that are pickled together: as many as a small read holds.
_LIST_BYTES = 8 << 10
# zlib's fastest: three times less disk for a fiftieth of the time that a page takes in all.
_PAGES_LEVEL = 1


class _Chunk(NamedTuple):
    """Pickled lists of items."""

    num_lists: int
    place: Place


def write_items(file: ChunkFile, items: list[Any], *, list_length: int = 1) -> bytes:
    """Make a chunk of items, in their order, as a runner can carry it.

    Args:
        file: where the chunk goes.
        items: what it holds.
        list_length: how many are pickled together, which saves time where they are small;
            who reads the chunk holds as many.
    """
    lists = [items[start : start + list_length] for start in range(0, len(items), list_length)]
    data = b"".join(pickle.dumps(one, protocol=5) for one in lists)
    return pickle.dumps(_Chunk(len(lists), file.write(data)), protocol=5)


class Gatherer:
    """Items on their way to receivers."""

    def __init__(self, folder: Path | None) -> None:
        """Nothing is gathered yet; `folder` is where chunks go, None has them hold items."""
        self._file = ChunkFile(folder)
        self._receiver_to_items: dict[Any, list[Any]] = defaultdict(list)
        self._num_bytes = 0

    def add(self, receiver: Hashable, item: tuple[Any, ...], num_bytes: int) -> None:
        """Gather an item, which must sort; `num_bytes` is about what it takes."""
        self._receiver_to_items[receiver].append(item)
        self._num_bytes += num_bytes

    def is_full(self) -> bool:
        """Whether it is time to hand on what is gathered."""
        return self._num_bytes >= MAX_GATHERED_BYTES

    def hand_on(self) -> Iterator[tuple[Any, bytes]]:
        """The receivers of all that is gathered, and a sorted chunk for each."""
        gathered, self._receiver_to_items = self._receiver_to_items, defaultdict(list)
        num_items = sum(map(len, gathered.values()))
        list_length = max(1, _LIST_BYTES * num_items // max(1, self._num_bytes))
        self._num_bytes = 0
        for receiver, items in gathered.items():
            items.sort()
            yield receiver, write_items(self._file, items, list_length=list_length)

    def finish(self) -> Iterator[tuple[Any, bytes]]:
        """The same at the end of a bundle."""
        yield from self.hand_on()
        self._file.close()


def merge_chunks(chunks: Iterable[bytes]) -> Iterator[Any]:
    """The items of sorted chunks, in order."""
    read: list[_Chunk] = [pickle.loads(chunk) for chunk in chunks]  # noqa: S301 - our own
    buffer_bytes = _READ_BYTES // max(1, len(read))
    buffer_bytes = min(max(buffer_bytes, _MIN_BUFFER_BYTES), _MAX_BUFFER_BYTES)
    with ExitStack() as files:
        opened = open_places([chunk.place for chunk in read], files)
        streams = (io.BufferedReader(one, buffer_bytes) for one in opened)
        yield from heapq.merge(*map(_read_items, read, streams))


def _read_items(chunk: _Chunk, stream: io.BufferedReader) -> Iterator[Any]:
    for _ in range(chunk.num_lists):
        yield from pickle.load(stream)  # noqa: S301 - written by a step before


def compress(item: Any) -> bytes:
    """Pack an item into few bytes, quickly."""
    return zlib.compress(pickle.dumps(item, protocol=5), _PAGES_LEVEL)


def decompress(data: bytes) -> Any:
    """Return what `compress` was given."""
    return pickle.loads(zlib.decompress(data))  # noqa: S301 - written by a step before
