"""What runs keep in storage: a folder each, in a bucket or on this machine."""

import re
import shutil
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Protocol

from components.shared.errors import InputError
from components.shared.parallel import run_in_threads
from components.shared.storage.locations import SCHEMES, expect_path_or_bucket
from components.shared.storage.transfers import Bucket, open_bucket

_NUM_REMOVED_AT_ONCE = 8
# Of a folder that a removal which was killed has left.
_REMOVED = ".removed-"
# As kfp.local names a run's folder: <pipeline>-2026-11-30-01-06-12-345678.
_LOCAL_RUN = re.compile(r"(?P<pipeline>[^.].*)-\d{4}(-\d{2}){5}-\d+")


@dataclass(frozen=True)
class Folder:
    """Files that are kept or removed together."""

    name: str
    """Path below the root: `<pipeline>/<run>` in a bucket, `<pipeline>-<time>` on a disk."""
    pipeline: str
    """Empty of what belongs to no pipeline."""
    run: str
    """What other things refer to it by: the run's id, or the folder's name."""
    num_files: int
    num_bytes: int
    changed: datetime
    """When the newest of its files was written."""


class Root(Protocol):
    """A place with folders."""

    @property
    def address(self) -> str:
        """How messages and parameters call it, without a slash at the end."""
        ...

    def list_runs(self) -> list[Folder]:
        """Return the folders of runs."""
        ...

    def list_entries(self) -> list[Folder]:
        """Return whatever lies directly below the root."""
        ...

    def remove(self, folder: Folder) -> None:
        """Remove a folder; a removal that is killed is finished by the next one."""
        ...


def open_root(address: str, setting: str) -> Root:
    """Return the root at an address.

    Args:
        address: a folder, gs://, s3:// or minio:// address.
        setting: how messages call it.

    Raises:
        InputError: if it is no such address, or no such folder.
    """
    expect_path_or_bucket(setting, address)
    if address.startswith(SCHEMES):
        return BucketRoot(address.rstrip("/"), open_bucket(address))
    if not Path(address).is_dir():
        raise InputError(f"{setting} {address}: no such folder; give the one that holds the runs")
    return DiskRoot(Path(address))


class BucketRoot:
    """Kubeflow's layout of a pipeline root: `<pipeline>/<run>/<step>/<execution>/<artifact>`."""

    def __init__(self, address: str, bucket: Bucket) -> None:
        self.address, self._bucket = address, bucket

    def list_runs(self) -> list[Folder]:
        """Return the folders of runs."""
        return self._list(depth=2)

    def list_entries(self) -> list[Folder]:
        """Return whatever lies directly below the root."""
        return self._list(depth=1)

    def remove(self, folder: Folder) -> None:
        """Remove all objects of a folder."""
        below = open_bucket(f"{self.address}/{folder.name}").names()
        # An entry may be an object itself.
        names = [f"{folder.name}/{name}" for name in below] or [folder.name]
        run_in_threads(
            [partial(self._bucket.delete, name) for name in names],
            num_threads=_NUM_REMOVED_AT_ONCE,
            stop=threading.Event(),
        )

    def _list(self, depth: int) -> list[Folder]:
        name_to_objects: dict[str, list[tuple[int, datetime]]] = {}
        for one in self._bucket.list_objects():
            parts = one.name.split("/")
            if len(parts) >= depth:
                name = "/".join(parts[:depth])
                name_to_objects.setdefault(name, []).append((one.num_bytes, one.changed))
        return [
            Folder(
                name=name,
                pipeline=name.rpartition("/")[0],
                run=name.rpartition("/")[2],
                num_files=len(objects),
                num_bytes=sum(num_bytes for num_bytes, _ in objects),
                changed=max(changed for _, changed in objects),
            )
            for name, objects in name_to_objects.items()
        ]


class DiskRoot:
    """The folder in which `python -m pipelines run` makes one for each run."""

    def __init__(self, path: Path) -> None:
        self.address, self._path = str(path), path

    def list_runs(self) -> list[Folder]:
        """Return the folders of runs, and what a removal that was killed has left of them."""
        return [one for one in self.list_entries() if one.pipeline or one.name.startswith(_REMOVED)]

    def list_entries(self) -> list[Folder]:
        """Return whatever lies directly below the root, but hidden files."""
        return [
            _measure(path)
            for path in sorted(self._path.iterdir())
            if not path.name.startswith(".") or path.name.startswith(_REMOVED)
        ]

    def remove(self, folder: Folder) -> None:
        """Remove a folder, which at once is none of a run any more."""
        path = self._path / folder.name
        if not folder.name.startswith(_REMOVED):
            path = path.rename(path.with_name(f"{_REMOVED}{folder.name}"))
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _measure(path: Path) -> Folder:
    files = [file.lstat() for file in _walk([path])]
    times = [status.st_mtime for status in files] or [path.lstat().st_mtime]
    match = _LOCAL_RUN.fullmatch(path.name)
    return Folder(
        name=path.name,
        pipeline=match["pipeline"] if match and path.is_dir() else "",
        run=path.name,
        num_files=len(files),
        num_bytes=sum(status.st_size for status in files),
        changed=datetime.fromtimestamp(max(times), UTC),
    )


def _walk(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            yield from _walk(path.iterdir())
        else:
            yield path
