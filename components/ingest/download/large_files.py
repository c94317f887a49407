"""Large files: read with progress, measured, and put in place."""

import hashlib
import os
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

import google_crc32c

from components.shared.stage.progress import progress_in_bytes

_CHUNK_BYTES = 1 << 20


def read_chunks(path: Path, label: str) -> Iterator[bytes]:
    """The bytes of a file, while its progress shows."""
    with path.open("rb") as file, progress_in_bytes(label, path.stat().st_size) as advance:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk
            advance(len(chunk))


def measure(path: Path, algorithms: Iterable[str]) -> dict[str, str]:
    """The digests of a file for each algorithm, in hexadecimal, from one reading.

    Of hashlib's algorithms, and crc32c and crc32, which stores know objects by.
    """
    digests = {name: _start_digest(name) for name in algorithms}
    for chunk in read_chunks(path, f"Checksum of {path.name}"):
        for digest in digests.values():
            digest.update(chunk)
    return {name: digest.digest().hex() for name, digest in digests.items()}


class _Digest(Protocol):
    def update(self, data: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


class _Crc32:
    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes, /) -> None:
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(4, "big")


def _start_digest(algorithm: str) -> _Digest:
    if algorithm == "crc32c":
        crc: _Digest = google_crc32c.Checksum()
        return crc
    if algorithm == "crc32":
        return _Crc32()
    return hashlib.new(algorithm, usedforsecurity=False)


def place(path: Path, target: Path) -> None:
    """Put a file at another path too: linked if the file system can, else copied."""
    try:
        os.link(path.resolve(), target)
    except OSError:  # another file system, or one without hard links
        with target.open("wb") as file:
            file.writelines(read_chunks(path, f"Copy {path.name}"))
