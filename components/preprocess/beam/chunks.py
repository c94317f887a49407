"""What one step makes and another takes up, in sorted chunks.

A step gathers what it makes until that fills some megabytes, sorts it, and hands it on as
one chunk for each receiver. A receiver merges its chunks while it reads them, so no process
ever holds all that one receiver gets, let alone a dataset.

Chunks lie in files where the workers share a disk, and their places alone pass through the
runner: the embedded one would hold the chunks themselves in one process's memory. Other
runners have a shuffle that spills to disks, and get the chunks themselves.
"""

import heapq
import io
import os
import pickle
import uuid
import zlib
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TypeVar

from components.shared.files.atomic import room_expected

Receiver = TypeVar("Receiver", bound=Hashable)

# What a step may gather. More makes fewer chunks, whose places the embedded runner holds.
_MAX_GATHERED_BYTES = 32 << 20
# All streams of a receiver together; each gets a share of it.
_READ_BYTES = 16 << 20
_MIN_BUFFER_BYTES, _MAX_BUFFER_BYTES = 4 << 10, 256 << 10
# Items that are pickled together: as many as a small read holds.
_LIST_BYTES = 8 << 10
# zlib's fastest: three times less disk for a fiftieth of the time that a page takes in all.
_PAGES_LEVEL = 1


class _Chunk(NamedTuple):
    """Pickled lists of items, here or in a file."""

    num_lists: int
    data: bytes
    path: str
    start: int


class ChunkFile:
    """Where a step writes its chunks: a file of its own, or nowhere.

    A runner may try a bundle of work again, so each try writes another file; what a lost try
    has written is never read.
    """

    def __init__(self, folder: Path | None) -> None:
        """Nothing is written yet; without a folder the chunks hold their items."""
        self._folder = folder
        self._file: BinaryIO | None = None

    def write(self, items: list[Any], *, list_length: int = 1) -> bytes:
        """Make a chunk of the items, in their order, as a runner can carry it.

        Args:
            items: what the chunk holds.
            list_length: how many are pickled together, which saves time where they are small;
                who reads the chunk holds as many.
        """
        lists = [items[start : start + list_length] for start in range(0, len(items), list_length)]
        data = b"".join(pickle.dumps(one, protocol=5) for one in lists)
        if self._folder is None:
            return pickle.dumps(_Chunk(len(lists), data, "", 0), protocol=5)
        with room_expected(self._folder):
            if self._file is None:
                self._file = (self._folder / uuid.uuid4().hex).open("xb")
            start = self._file.tell()
            self._file.write(data)
            # Read by another process as soon as the runner knows of it.
            self._file.flush()
        return pickle.dumps(_Chunk(len(lists), b"", self._file.name, start), protocol=5)

    def close(self) -> None:
        """The next chunk starts another file."""
        if self._file is not None:
            self._file.close()
        self._file = None


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
        return self._num_bytes >= _MAX_GATHERED_BYTES

    def hand_on(self) -> Iterator[tuple[Any, bytes]]:
        """The receivers of all that is gathered, and a sorted chunk for each."""
        gathered, self._receiver_to_items = self._receiver_to_items, defaultdict(list)
        num_items = sum(map(len, gathered.values()))
        list_length = max(1, _LIST_BYTES * num_items // max(1, self._num_bytes))
        self._num_bytes = 0
        for receiver, items in gathered.items():
            items.sort()
            yield receiver, self._file.write(items, list_length=list_length)

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

        @cache
        def open_file(path: str) -> BinaryIO:
            return files.enter_context(open(path, "rb", buffering=0))

        yield from heapq.merge(*(_read_items(chunk, open_file, buffer_bytes) for chunk in read))


def _read_items(
    chunk: _Chunk, open_file: Callable[[str], BinaryIO], buffer_bytes: int
) -> Iterator[Any]:
    stream: Any
    if chunk.path:
        segment = _Segment(open_file(chunk.path).fileno(), chunk.start)
        stream = io.BufferedReader(segment, buffer_bytes)
    else:
        stream = io.BytesIO(chunk.data)
    for _ in range(chunk.num_lists):
        yield from pickle.load(stream)  # noqa: S301 - written by a step before


class _Segment(io.RawIOBase):
    """A file from some byte on; many of one file share its descriptor."""

    def __init__(self, descriptor: int, start: int) -> None:
        super().__init__()
        self._descriptor, self._position = descriptor, start

    def readable(self) -> bool:
        """Return true: it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer as far as the file goes."""
        num_bytes = os.preadv(self._descriptor, [buffer], self._position)
        self._position += num_bytes
        return num_bytes


def compress(item: Any) -> bytes:
    """Pack an item into few bytes, quickly."""
    return zlib.compress(pickle.dumps(item, protocol=5), _PAGES_LEVEL)


def decompress(data: bytes) -> Any:
    """Return what `compress` was given."""
    return pickle.loads(zlib.decompress(data))  # noqa: S301 - written by a step before
