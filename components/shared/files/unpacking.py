"""Compressed data in bounded memory, and a bound on what few bytes may unpack to."""

import bz2
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from components.shared.errors import InputError

# bzip2 makes pages some 4 times smaller, and a wiki's full history 50 times; bombs are made
# 1,000 (gzip) to 1,000,000 times smaller.
MAX_EXPANSION = 200
# Of this much, nobody runs out: a small file may be as monotonous as it likes.
_HARMLESS_BYTES = 64 << 20
_BLOCK_BYTES = 1 << 18


def expect_plausible(path: Path | str, num_packed: int, num_unpacked: int) -> None:
    """Reject a file that unpacks to far more than text can.

    Args:
        path: names the file in the message.
        num_packed: bytes read so far.
        num_unpacked: bytes that they gave.

    Raises:
        InputError: if there are more than `MAX_EXPANSION` times as many.
    """
    if num_unpacked > max(_HARMLESS_BYTES, MAX_EXPANSION * num_packed):
        raise InputError(
            f"{path}: its first {num_packed} bytes unpack to more than {num_unpacked}, which is no "
            f"text (more than {MAX_EXPANSION} times): a decompression bomb; give another file"
        )


def decompress_bz2(decompressor: bz2.BZ2Decompressor, data: bytes) -> Iterator[bytes]:
    """What some bytes of a stream give, in small blocks, without what follows the stream.

    Raises:
        OSError: if the data is damaged.
    """
    while True:
        block = decompressor.decompress(data, _BLOCK_BYTES)
        data = b""
        if block:
            yield block
        if decompressor.eof or decompressor.needs_input:
            return


class BoundedReader(io.RawIOBase):
    """A stream of unpacked bytes, which ends with an error where they are too many."""

    def __init__(self, unpacked: Any, packed: BinaryIO, path: Path | str) -> None:
        """Reads `unpacked`, a stream over `packed`."""
        super().__init__()
        self._unpacked, self._packed, self._path = unpacked, packed, path
        self._num_bytes = 0

    def readable(self) -> bool:
        """Return true: it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer as the stream does.

        Raises:
            InputError: if the stream is out of proportion.
        """
        count: int = self._unpacked.readinto(buffer)
        self._num_bytes += count
        expect_plausible(self._path, self._packed.tell(), self._num_bytes)
        return count

    def close(self) -> None:
        """Close the stream of unpacked bytes too."""
        self._unpacked.close()
        super().close()
