"""Large files: read with progress, measured, and put in place."""

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from components.shared.progress import progress_in_bytes

_CHUNK_BYTES = 1 << 20


def read_chunks(path: Path, label: str) -> Iterator[bytes]:
    """The bytes of a file, while its progress shows."""
    with path.open("rb") as file, progress_in_bytes(label, path.stat().st_size) as advance:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk
            advance(len(chunk))


def measure(path: Path, algorithms: Iterable[str]) -> dict[str, str]:
    """The digests of a file for each algorithm, in hexadecimal, from one reading."""
    digests = {name: hashlib.new(name, usedforsecurity=False) for name in algorithms}
    for chunk in read_chunks(path, f"Checksum of {path.name}"):
        for digest in digests.values():
            digest.update(chunk)
    return {name: digest.hexdigest() for name, digest in digests.items()}


def place(path: Path, target: Path) -> None:
    """Put a file at another path too: linked if the file system can, else copied."""
    try:
        os.link(path.resolve(), target)
    except OSError:  # another file system, or one without hard links
        with target.open("wb") as file:
            file.writelines(read_chunks(path, f"Copy {path.name}"))
