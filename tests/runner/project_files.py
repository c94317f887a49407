"""The files of the project, whether git knows them or they came in an archive."""

import shutil
import subprocess
from pathlib import Path

from tests.runner.suites import REPOSITORY

# Besides hidden folders, such as .venv.
_NOT_OURS = ("runs", "__pycache__")


def list_files(pattern: str) -> list[Path]:
    """Return the files that git lists or does not ignore; without git, all that are ours.

    Args:
        pattern: of a file's name, such as `*.md`.
    """
    if shutil.which("git") and (REPOSITORY / ".git").exists():
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(
            [*command, f":(glob)**/{pattern}"],
            cwd=REPOSITORY, capture_output=True, text=True, check=True,
        )  # fmt: skip
        # Deleted files are still listed until the deletion is staged.
        names = filter(None, listed.stdout.split("\0"))
        return sorted(filter(Path.exists, map(REPOSITORY.joinpath, names)))
    return sorted(
        path
        for path in REPOSITORY.rglob(pattern)
        if not any(
            part in _NOT_OURS or part.startswith(".")
            for part in path.relative_to(REPOSITORY).parts[:-1]
        )
    )
