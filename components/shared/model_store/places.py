"""Where a model store lies: a folder or a bucket.

Either writes a version whole or not at all, and replaces `current.json` only if it is as it was
read.
"""

import os
import shutil
import uuid
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Protocol

from components.shared.errors import InputError
from components.shared.files.atomic import room_expected, whole_folder, write_text
from components.shared.model_store.layout import (
    CURRENT,
    DECISIONS,
    LINEAGES,
    MODEL_JSON,
    VERSIONS,
    is_version,
)
from components.shared.storage.guarded_file import BucketFile, DiskFile, GuardedFile
from components.shared.storage.transfers import Bucket

_JSON = ".json"


class Place(Protocol):
    """The files of a model store."""

    def list_whole(self) -> list[str]:
        """Return the versions with a model.json."""
        ...

    def list_broken(self) -> list[str]:
        """Return the versions that are being written, or whose writer was killed."""
        ...

    def read(self, name: str) -> str | None:
        """Return a file's text; None if there is no such file."""
        ...

    def list_decisions(self) -> list[str]:
        """Return the names of the noted decisions, the oldest first."""
        ...

    def write_decision(self, name: str, text: str) -> None:
        """Note a decision."""
        ...

    def remove_decision(self, name: str) -> None:
        """Remove a decision, if it still exists."""
        ...

    def write_lineage(self, name: str, text: str) -> None:
        """Keep the lineage of a version that is removed."""
        ...

    @property
    def current(self) -> GuardedFile:
        """current.json; it does not exist before the first release."""
        ...

    def write_version(self, version: str, folder: Path) -> None:
        """Keep a folder's files as a version, model.json last."""
        ...

    def copy_version(self, version: str, names: Iterable[str], folder: Path) -> None:
        """Copy files of a version into a folder."""
        ...

    def remove_version(self, version: str) -> None:
        """Remove a version, whole or broken, if it still exists."""
        ...


class FolderPlace:
    """A folder, such as on a mounted volume."""

    def __init__(self, root: Path) -> None:
        self._root, self._versions = root, root / VERSIONS
        self.current: GuardedFile = DiskFile(root / CURRENT)

    def list_whole(self) -> list[str]:
        """Return the folders with a model.json."""
        found = self._versions.glob(f"*/{MODEL_JSON}")
        return sorted(path.parent.name for path in found if is_version(path.parent.name))

    def list_broken(self) -> list[str]:
        """Return the versions of scratch folders."""
        return sorted({path.name[1:].rpartition("-")[0] for path in self._list_scratch("*")})

    def read(self, name: str) -> str | None:
        """Return a file's text."""
        try:
            return (self._root / name).read_text("utf-8", errors="replace")
        except (FileNotFoundError, NotADirectoryError):
            return None

    def list_decisions(self) -> list[str]:
        """Return the names of the files."""
        found = (self._root / DECISIONS).glob(f"*{_JSON}")
        return sorted(path.stem for path in found if is_version(path.stem))

    def write_decision(self, name: str, text: str) -> None:
        """Write a file."""
        write_text(self._root / DECISIONS / f"{name}{_JSON}", text)

    def remove_decision(self, name: str) -> None:
        """Remove a file."""
        (self._root / DECISIONS / f"{name}{_JSON}").unlink(missing_ok=True)

    def write_lineage(self, name: str, text: str) -> None:
        """Write a file."""
        write_text(self._root / LINEAGES / f"{name}{_JSON}", text)

    def write_version(self, version: str, folder: Path) -> None:
        """Copy into a scratch folder that is renamed at the end."""
        with whole_folder(self._versions / version) as scratch:
            shutil.copytree(folder, scratch, dirs_exist_ok=True)

    def copy_version(self, version: str, names: Iterable[str], folder: Path) -> None:
        """Copy one after the other."""
        for name in names:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            source = self._versions / version / name
            try:
                with room_expected(path):
                    shutil.copyfile(source, path)
            except FileNotFoundError:
                raise InputError(f"{source}: no such file; take another version") from None

    def remove_version(self, version: str) -> None:
        """Rename before removal: a folder under a version's name is whole."""
        doomed = self._versions / f".{version}-{uuid.uuid4().hex[:8]}"
        with suppress(FileNotFoundError):
            os.replace(self._versions / version, doomed)
        for path in self._list_scratch(version):
            shutil.rmtree(path, ignore_errors=True)

    def _list_scratch(self, version: str) -> list[Path]:
        found = self._versions.glob(f".{version}-*")
        return [path for path in found if is_version(path.name[1:].rpartition("-")[0])]


class BucketPlace:
    """Objects under a prefix of a bucket: a version is whole once it has a model.json."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self.current: GuardedFile = BucketFile(bucket, CURRENT)

    def list_whole(self) -> list[str]:
        """Return the prefixes with a model.json."""
        return sorted(name for name, files in self._list().items() if MODEL_JSON in files)

    def list_broken(self) -> list[str]:
        """Return those without one."""
        return sorted(name for name, files in self._list().items() if MODEL_JSON not in files)

    def read(self, name: str) -> str | None:
        """Return an object's text."""
        found = self._bucket.read(name)
        return None if found is None else found.content.decode("utf-8", errors="replace")

    def list_decisions(self) -> list[str]:
        """Return the names of the objects."""
        paths = map(PurePosixPath, self._bucket.names())
        found = (path for path in paths if str(path.parent) == DECISIONS and path.suffix == _JSON)
        return sorted(path.stem for path in found if is_version(path.stem))

    def write_decision(self, name: str, text: str) -> None:
        """Write an object, unless it exists: a decision does not change."""
        self._bucket.write_if(f"{DECISIONS}/{name}{_JSON}", text.encode(), tag=None)

    def remove_decision(self, name: str) -> None:
        """Remove an object."""
        self._bucket.delete(f"{DECISIONS}/{name}{_JSON}")

    def write_lineage(self, name: str, text: str) -> None:
        """Write an object, unless it exists: its name says its content."""
        self._bucket.write_if(f"{LINEAGES}/{name}{_JSON}", text.encode(), tag=None)

    def write_version(self, version: str, folder: Path) -> None:
        """Upload the files, model.json last."""
        files = {str(path.relative_to(folder)): path for path in _list_files(folder)}
        self._bucket.upload_all(
            {f"{VERSIONS}/{version}/{name}": path for name, path in files.items()},
            last=f"{VERSIONS}/{version}/{MODEL_JSON}",
        )

    def copy_version(self, version: str, names: Iterable[str], folder: Path) -> None:
        """Download several at once."""
        self._bucket.download_all({f"{VERSIONS}/{version}/{name}": folder / name for name in names})

    def remove_version(self, version: str) -> None:
        """Remove model.json first: what has one is whole."""
        files = sorted(self._list().get(version, ()), key=lambda name: name != MODEL_JSON)
        for name in files:
            self._bucket.delete(f"{VERSIONS}/{version}/{name}")

    def _list(self) -> dict[str, list[str]]:
        files: dict[str, list[str]] = {}
        for name in self._bucket.names():
            top, _, rest = name.partition("/")
            version, _, file = rest.partition("/")
            if top == VERSIONS and file and is_version(version):
                files.setdefault(version, []).append(file)
        return files


def _list_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())
