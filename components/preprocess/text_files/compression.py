"""Text files that are packed: recognized by how they begin, and read as streams."""

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, Literal, cast

import zstandard

from components.shared.errors import InputError
from components.shared.files.unpacking import BoundedReader

Compression = Literal["plain", "gzip", "bz2", "zstd", "xz"]

_MAGIC_TO_COMPRESSION: dict[bytes, Compression] = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bz2",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\xfd7zXZ\0": "xz",
}
ENDINGS = (".gz", ".bz2", ".zst", ".xz")
_CHUNK_BYTES = 1 << 18
# Unpacked at once, to 16 MiB at most.
_ZSTD_BYTES = 1 << 9
# As `zstd --long=31` makes them.
_MAX_WINDOW_BYTES = 1 << 31
# What a byte of a file makes in text or XML, by order of magnitude: plans the work, no more.
EXPANSION = {"plain": 1.0, "gzip": 3.0, "bz2": 3.6, "zstd": 3.2, "xz": 4.0}


def recognize(start: bytes) -> Compression:
    """Tell how a file is packed by its first six bytes or more."""
    found = (kind for magic, kind in _MAGIC_TO_COMPRESSION.items() if start.startswith(magic))
    return next(found, "plain")


def unpack(path: str, packed: BinaryIO, compression: Compression, max_expansion: float) -> BinaryIO:
    """The unpacked bytes of a file, to be read within `explained`."""
    stream: Any
    if compression == "plain":
        return packed
    if compression == "gzip":
        stream = gzip.GzipFile(fileobj=packed)
    elif compression == "bz2":
        stream = bz2.BZ2File(packed)
    elif compression == "xz":
        stream = lzma.LZMAFile(packed)  # noqa: SIM115 - the caller closes it
    else:
        stream = _ZstdStream(packed)
    bounded = BoundedReader(stream, packed, path, max_expansion)
    return cast(BinaryIO, io.BufferedReader(bounded, _CHUNK_BYTES))


class _ZstdStream(io.RawIOBase):
    """The content of Zstandard frames; the package's own reader ignores a missing end."""

    def __init__(self, packed: BinaryIO) -> None:
        super().__init__()
        self._packed, self._unread = packed, memoryview(b"")
        self._frame: Any = None

    def readable(self) -> bool:
        """Return true: it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer with at least a byte, unless all frames are at their end."""
        while not self._unread:
            if self._frame is not None and self._frame.eof:
                data, self._frame = self._frame.unused_data, None
            else:
                data = b""
            if not (data := data or self._packed.read(_ZSTD_BYTES)):
                if self._frame is not None:
                    raise EOFError
                return 0
            if self._frame is None:
                decompressor = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW_BYTES)
                self._frame = decompressor.decompressobj()
            self._unread = memoryview(self._frame.decompress(data))
        count = min(len(buffer), len(self._unread))
        buffer[:count], self._unread = self._unread[:count], self._unread[count:]
        return count


@contextmanager
def explained(path: str, compression: Compression) -> Iterator[None]:
    """Say what is wrong with a packed file.

    Raises:
        InputError: if it is cut short or damaged.
    """
    try:
        yield
    except EOFError:
        raise InputError(f"{path}: cut short: the end is missing; fetch it again") from None
    except (zlib.error, lzma.LZMAError, zstandard.ZstdError, OSError) as error:
        if compression == "plain":
            raise
        raise InputError(f"{path}: damaged {compression} data ({error}); fetch it again") from None
