"""Where the states of a run under way are kept, each a folder of files."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from components.shared.checkpoints.checkpoint_manifest import MANIFEST
from components.shared.storage.locations import SCHEMES
from components.shared.storage.transfers import Bucket, open_bucket

_PREFIX = "step-"


def name_state(step: int) -> str:
    """Return the name of the state after so many optimizer steps."""
    return f"{_PREFIX}{step:08d}"


def step_of(name: str) -> int:
    """Return the optimizer steps of a state."""
    return int(name.removeprefix(_PREFIX))


class States(Protocol):
    """Folders named `step-…`, whole or not there; other files beside them are left alone."""

    def names(self) -> list[str]:
        """Return the states' names, the newest first."""
        ...

    def write(self, name: str, make: Callable[[Path], None]) -> None:
        """Keep a state; `make` writes its folder on this machine, whole or not at all."""
        ...

    def read(self, name: str) -> AbstractContextManager[Path]:
        """The folder of a state, on this machine; DamagedError where its download fails a check."""
        ...

    def remove(self, name: str) -> None:
        """Remove one."""
        ...

    def remove_leftovers(self) -> None:
        """Remove what a process that was killed had half-written."""
        ...


def open_states(place: str) -> States:
    """The states in a folder, or in a bucket: gs://bucket/folder, s3://bucket/folder."""
    if place.startswith(SCHEMES):
        return BucketStates(place, open_bucket(place))
    return FolderStates(Path(place))


def remove_states_under(place: str) -> None:
    """Remove the states in all subfolders of a place; other files stay."""
    place = place.rstrip("/")
    if place.startswith(SCHEMES):
        folders = {name.partition("/")[0] for name in open_bucket(place).names() if "/" in name}
    else:
        folders = {path.name for path in Path(place).glob("*/")}
    for folder in sorted(folders):
        states = open_states(f"{place}/{folder}")
        for name in states.names():
            states.remove(name)


class FolderStates:
    """Subfolders of a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __str__(self) -> str:
        return str(self._folder)

    def names(self) -> list[str]:
        """Return the states' names, the newest first."""
        return sorted((path.name for path in self._folder.glob(f"{_PREFIX}*")), reverse=True)

    def write(self, name: str, make: Callable[[Path], None]) -> None:
        """Write a state in its place."""
        make(self._folder / name)

    @contextmanager
    def read(self, name: str) -> Iterator[Path]:
        """Return the state's folder."""
        yield self._folder / name

    def remove(self, name: str) -> None:
        """Remove one, and the folder with the last if nothing else is in it."""
        shutil.rmtree(self._folder / name)
        if not any(self._folder.iterdir()):
            self._folder.rmdir()

    def remove_leftovers(self) -> None:
        """Remove the folders of `whole_folder` that were not put in their place."""
        for path in self._folder.glob(f".{_PREFIX}*"):
            shutil.rmtree(path, ignore_errors=True)


class BucketStates:
    """Objects in a bucket: a state is there once its checkpoint.json is, uploaded last."""

    def __init__(self, address: str, bucket: Bucket) -> None:
        self._address, self._bucket = address, bucket

    def __str__(self) -> str:
        return self._address

    def names(self) -> list[str]:
        """Return the states' names, the newest first."""
        whole = {name for name, files in self._files().items() if MANIFEST in files}
        return sorted(whole, reverse=True)

    def write(self, name: str, make: Callable[[Path], None]) -> None:
        """Write it on this machine, then upload it."""
        self.remove(name)
        with tempfile.TemporaryDirectory(prefix=name) as scratch:
            folder = Path(scratch, name)
            make(folder)
            self._bucket.upload_all(
                {f"{name}/{path.name}": path for path in sorted(folder.iterdir())},
                last=f"{name}/{MANIFEST}",
            )

    @contextmanager
    def read(self, name: str) -> Iterator[Path]:
        """Download it; it is gone after the block."""
        # Where one file is damaged, others may still be arriving.
        with tempfile.TemporaryDirectory(prefix=name, ignore_cleanup_errors=True) as scratch:
            self._bucket.download_all(
                {f"{name}/{file}": Path(scratch, file) for file in self._files().get(name, ())}
            )
            yield Path(scratch)

    def remove(self, name: str) -> None:
        """Remove one; it no longer counts once its first object is gone."""
        files = self._files().get(name, [])
        for file in sorted(files, key=lambda file: file != MANIFEST):
            self._bucket.delete(f"{name}/{file}")

    def remove_leftovers(self) -> None:
        """Remove states whose upload was cut off."""
        for name in self._files().keys() - set(self.names()):
            self.remove(name)

    def _files(self) -> dict[str, list[str]]:
        files: dict[str, list[str]] = {}
        for path in self._bucket.names():
            name, _, file = path.partition("/")
            if name.startswith(_PREFIX) and file:
                files.setdefault(name, []).append(file)
        return files
