"""Copies of the checkout, as a person has it: no environments yet, in a folder of any name."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.local.environments import REPOSITORY

# "nobody" on every Linux; where the tests don't run as root, whoever runs them.
ORDINARY_USER = 65534 if os.geteuid() == 0 else None
_NOT_COMMITTED = (".git", ".venv", ".tools", "runs", "__pycache__", ".*_cache", ".hypothesis")


def copy_checkout(folder: Path, *names: str) -> Path:
    """Copy the checkout, or the named files of it, to a path with a space and an accent."""
    copy = folder / "mon dépôt"
    if names:
        copy.mkdir()
        for name in names:
            shutil.copy(REPOSITORY / name, copy)
    else:
        shutil.copytree(REPOSITORY, copy, ignore=shutil.ignore_patterns(*_NOT_COMMITTED))
    return copy


@contextmanager
def make_open_folder() -> Iterator[Path]:
    """Make a folder that all users may enter, as pytest's own may not."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def give_to_ordinary_user(folder: Path) -> None:
    """Change the owner of all that a folder holds."""
    if ORDINARY_USER is not None:
        owner = f"{ORDINARY_USER}:{ORDINARY_USER}"
        subprocess.run(["chown", "--recursive", owner, folder], check=True)
