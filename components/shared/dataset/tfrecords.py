"""TensorFlow's TFRecord files, written and read without TensorFlow.

The image of preprocessing does not have it.
"""

import gzip
import mmap
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import google_crc32c

from components.shared.errors import InputError
from components.shared.files.unpacking import HARMLESS_BYTES, UnpackingConfig

_LENGTH = struct.Struct("<Q")
_CRC = struct.Struct("<I")
HEADER_BYTES, CRC_BYTES = _LENGTH.size + _CRC.size, _CRC.size
"""What the framing adds before a record and behind it."""
_GZIP_MAGIC = b"\x1f\x8b"
_MAX_BYTES_IN_MEMORY = 1 << 30


def masked_crc(data: bytes) -> bytes:
    """Return the masked CRC-32C in little-endian order.

    A checkpoint's tensors have the same checksum.
    """
    return _CRC.pack(mask_crcs(google_crc32c.value(data)))


def mask_crcs(crcs: Any) -> Any:
    """Rotate CRCs, a number or an array of uint32, by 15 bits and shift them by a constant."""
    return ((crcs >> 15 | crcs << 17) + 0xA282EAD8) & 0xFFFFFFFF


def frame_records(records: Iterable[bytes]) -> Iterator[bytes]:
    """Yield records in TFRecord's framing: length, CRC, data, CRC."""
    for record in records:
        yield frame_header(len(record))
        yield record
        yield masked_crc(record)


@cache
def frame_header(num_bytes: int) -> bytes:
    """Return what stands before a record of so many bytes."""
    length = _LENGTH.pack(num_bytes)
    return length + masked_crc(length)


def read_records(path: Path) -> Iterator[bytes]:
    """Return the records of a TFRecord file.

    Raises:
        InputError: if the file is cut short or a checksum does not fit.
    """
    return iter(RecordFile(path))


class RecordFile(Sequence[bytes]):
    """The records of a TFRecord file, plain or gzip, in any order."""

    def __init__(self, path: Path) -> None:
        """Open the file and find where each record starts.

        Raises:
            InputError: if the file is cut short, or is not a TFRecord file.
        """
        self._path, self._data = path, _load(path)
        self._starts: list[int] = []
        start = 0
        while start < len(self._data):
            self._starts.append(start)
            header = self._data[start : start + HEADER_BYTES]
            if len(header) < HEADER_BYTES or masked_crc(header[:8]) != header[8:]:
                raise InputError(_broken(path, start))
            start += HEADER_BYTES + _LENGTH.unpack(header[:8])[0] + CRC_BYTES
        if start > len(self._data):
            raise InputError(_broken(path, self._starts[-1]))
        self._starts.append(start)

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __getitem__(self, index: Any) -> Any:
        """Return the record's bytes.

        Raises:
            InputError: if they do not fit their checksum.
        """
        if not 0 <= index < len(self):
            raise IndexError(index)
        start, end = self._starts[index], self._starts[index + 1] - CRC_BYTES
        record = self._data[start + HEADER_BYTES : end]
        if self._data[end : end + CRC_BYTES] != masked_crc(record):
            raise InputError(_broken(self._path, start))
        return record


def _load(path: Path) -> "bytes | mmap.mmap":
    """A file's bytes, unpacked; in memory where it is not too large for that.

    A mounted object store reads a whole file faster than its records one by one.
    """
    with path.open("rb") as file:
        if file.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC:
            try:
                return _unpack(path)
            except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                raise InputError(f"{path}: broken gzip file: {error}; get it again") from None
        if path.stat().st_size > _MAX_BYTES_IN_MEMORY:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return path.read_bytes()


def _unpack(path: Path) -> bytes:
    """Return what a packed file holds, which has to fit in memory."""
    most = max(HARMLESS_BYTES, int(UnpackingConfig.max_expansion * path.stat().st_size))
    with gzip.open(path) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise InputError(
            f"{path}: unpacks to more than {most} bytes, {UnpackingConfig.max_expansion:g} times "
            "its size, which no records do; if these do, unpack it yourself (gunzip)"
        )
    return content


def _broken(path: Path, offset: int) -> str:
    return (
        f"{path}: the record at byte {offset} is cut short or altered; "
        "run the stage that wrote it again"
    )
