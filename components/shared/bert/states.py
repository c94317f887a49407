"""Where the states of a run under way are kept, each a folder of files."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_PATTERN = "step-*"


class FolderStates:
    """Subfolders of a folder; other files in it are left alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __str__(self) -> str:
        return str(self._folder)

    def names(self) -> list[str]:
        """The newest first."""
        return sorted((path.name for path in self._folder.glob(_PATTERN)), reverse=True)

    def write(self, name: str, make: Callable[[Path], None]) -> None:
        """Keep a state; `make` writes its folder, whole or not at all."""
        make(self._folder / name)

    @contextmanager
    def read(self, name: str) -> Iterator[Path]:
        """The folder of a state, on this machine."""
        yield self._folder / name

    def remove(self, name: str) -> None:
        """Remove one."""
        shutil.rmtree(self._folder / name)

    def remove_leftovers(self) -> None:
        """Remove what a process that was killed had half-written."""
        for path in self._folder.glob(f".{_PATTERN}"):
            shutil.rmtree(path, ignore_errors=True)

    def remove_all(self) -> None:
        """Remove all states, and the folder if nothing else is in it."""
        for name in self.names():
            self.remove(name)
        if self._folder.is_dir() and not any(self._folder.iterdir()):
            self._folder.rmdir()
