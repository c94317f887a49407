"""Files that hold what one step makes and another takes up, in chunks.

Chunks lie in files where the workers share a disk, and their places alone pass through the
runner: the embedded one would hold the chunks themselves in one process's memory. Other
runners have a shuffle that spills to disks, and get the chunks themselves.
"""

import io
import os
import uuid
from collections.abc import Iterable
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from components.shared.files.atomic import room_expected


class Place(NamedTuple):
    """Where the bytes of a chunk are: here or, from `start` on, in a file."""

    data: bytes
    path: str
    start: int


class ChunkFile:
    """Where a step writes its chunks: a file of its own, or nowhere.

    A runner may try a bundle of work again, so each try writes another file; what a lost try
    has written is never read.
    """

    def __init__(self, folder: Path | None) -> None:
        """Nothing is written yet; without a folder the places hold the bytes."""
        self._folder = folder
        self._file: BinaryIO | None = None

    def write(self, *parts: Any) -> Place:
        """Add a chunk: some buffers, one after another."""
        if self._folder is None:
            return Place(b"".join(parts), "", 0)
        with room_expected(self._folder):
            if self._file is None:
                self._file = (self._folder / uuid.uuid4().hex).open("xb")
            start = self._file.tell()
            self._file.writelines(parts)
            # Read by another process as soon as the runner knows of it.
            self._file.flush()
        return Place(b"", self._file.name, start)

    def close(self) -> None:
        """The next chunk starts another file."""
        if self._file is not None:
            self._file.close()
        self._file = None


def open_places(places: Iterable[Place], files: ExitStack) -> list[Any]:
    """Open each chunk as a stream that goes on to the end of its file.

    Args:
        places: of the chunks.
        files: closes the files, of which each is opened once.
    """

    @cache
    def open_file(path: str) -> BinaryIO:
        return files.enter_context(open(path, "rb", buffering=0))

    return [
        _Segment(open_file(one.path).fileno(), one.start) if one.path else io.BytesIO(one.data)
        for one in places
    ]


class _Segment(io.RawIOBase):
    """A file from a given byte on; segments of one file share its descriptor."""

    def __init__(self, descriptor: int, start: int) -> None:
        super().__init__()
        self._descriptor, self._position = descriptor, start

    def readable(self) -> bool:
        """Return true: the file is open for reading."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer as far as the file goes."""
        num_bytes = os.preadv(self._descriptor, [buffer], self._position)
        self._position += num_bytes
        return num_bytes
