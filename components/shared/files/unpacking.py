"""Compressed data in bounded memory, and a bound on what few bytes may unpack to."""

import bz2
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from components.shared.errors import InputError
from components.shared.stage.settings import Rare

HARMLESS_BYTES = 64 << 20
"""Of this much, nobody runs out: a small file may be as monotonous as it likes."""
_BLOCK_BYTES = 1 << 18


@dataclass(frozen=True, kw_only=True)
class UnpackingConfig:
    """How much compressed files may hold."""

    # bzip2 makes pages some 4 times smaller, and a wiki's full history 50 times; bombs are made
    # 1,000 (gzip) to 1,000,000 times smaller.
    max_expansion: Rare[float] = 200.0
    """How many times its size a compressed file may unpack to; more counts as a decompression
    bomb. Text that repeats itself a lot may need more."""

    def __post_init__(self) -> None:
        """Reject settings that can't work.

        Raises:
            InputError: if max_expansion is not above 1.
        """
        if not self.max_expansion > 1:
            raise InputError(
                f"max_expansion must be more than 1, got {self.max_expansion}; 200 suits most"
            )


def expect_plausible(
    path: Path | str, num_packed: int, num_unpacked: int, max_expansion: float
) -> None:
    """Reject a file that unpacks to far more than text can.

    Args:
        path: names the file in the message.
        num_packed: bytes read so far.
        num_unpacked: bytes that they gave.
        max_expansion: how many times as many they may be.

    Raises:
        InputError: if there are more.
    """
    if num_unpacked > max(HARMLESS_BYTES, max_expansion * num_packed):
        raise InputError(
            f"{path}: its first {num_packed} bytes unpack to more than {num_unpacked}, which "
            f"max_expansion {max_expansion:g} takes for a decompression bomb; give another file, "
            "or raise max_expansion if it is text that repeats itself"
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

    def __init__(
        self, unpacked: Any, packed: BinaryIO, path: Path | str, max_expansion: float
    ) -> None:
        """Reads `unpacked`, a stream over `packed`."""
        super().__init__()
        self._unpacked, self._packed, self._path = unpacked, packed, path
        self._max_expansion = max_expansion
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
        expect_plausible(self._path, self._packed.tell(), self._num_bytes, self._max_expansion)
        return count

    def close(self) -> None:
        """Close the stream of unpacked bytes too."""
        self._unpacked.close()
        super().close()
