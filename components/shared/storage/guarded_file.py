"""A small file that is replaced only if it is still as it was read, on a disk or in a bucket."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from components.shared.files.atomic import write_text
from components.shared.storage.locations import SCHEMES
from components.shared.storage.transfers import Bucket, open_bucket


class GuardedFile(Protocol):
    """A text that several processes may want to replace at once."""

    def read(self) -> tuple[str, str] | None:
        """Return the text and its tag; None if there is no such file."""
        ...

    def replace(self, text: str, *, tag: str | None) -> bool:
        """Write a text if the file still has the tag, None for no file; return whether it had."""
        ...

    def remove(self) -> None:
        """Remove the file, if it still exists."""
        ...


class DiskFile:
    """A file, whose text is its own tag; a lock beside it keeps others off while it changes."""

    def __init__(self, path: Path) -> None:
        self._path, self._lock = path, path.with_name(f".{path.stem}.lock")

    def read(self) -> tuple[str, str] | None:
        """Return the text."""
        try:
            text = self._path.read_text("utf-8", errors="replace")
        except (FileNotFoundError, NotADirectoryError):
            return None
        return text, text

    def replace(self, text: str, *, tag: str | None) -> bool:
        """Compare and rename under the lock, which a killed process loses."""
        with self._locked():
            found = self.read()
            if (found and found[1]) != tag:
                return False
            write_text(self._path, text)
            return True

    def remove(self) -> None:
        """Remove it, and the lock."""
        with self._locked():
            self._path.unlink(missing_ok=True)
            self._lock.unlink(missing_ok=True)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        while True:
            with self._lock.open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if self._is_there(lock.fileno()):
                    yield
                    return

    def _is_there(self, descriptor: int) -> bool:
        """Tell whether an open lock is still the one on disk: its last holder may remove it."""
        try:
            return os.path.samestat(os.fstat(descriptor), self._lock.stat())
        except FileNotFoundError:
            return False


class BucketFile:
    """An object, whose tag is its ETag or generation; the store itself compares."""

    def __init__(self, bucket: Bucket, name: str) -> None:
        self._bucket, self._name = bucket, name

    def read(self) -> tuple[str, str] | None:
        """Return the text."""
        found = self._bucket.read(self._name)
        if found is None:
            return None
        return found.content.decode("utf-8", errors="replace"), found.tag

    def replace(self, text: str, *, tag: str | None) -> bool:
        """Leave the comparison to the store."""
        return self._bucket.write_if(self._name, text.encode(), tag=tag)

    def remove(self) -> None:
        """Remove it."""
        self._bucket.delete(self._name)


def open_guarded(address: str) -> GuardedFile:
    """Open a path, or the address of an object.

    Raises:
        InputError: if the address names no bucket, or there are no credentials.
    """
    if not address.startswith(SCHEMES):
        return DiskFile(Path(address))
    folder, _, name = address.rpartition("/")
    return BucketFile(open_bucket(folder), name)
