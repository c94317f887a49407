"""Keeps runs on this machine, and the removal of finished ones, out of each other's way."""

import fcntl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from components.shared.errors import InputError

_LOCK_FILE = ".lock"


@contextmanager
def run_under_way(output: Path) -> Iterator[None]:
    """Hold a folder of runs for a run, beside others; wait while finished ones are removed."""
    with (output / _LOCK_FILE).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"{output}: waiting until `clean` is finished", file=sys.stderr, flush=True)
            fcntl.flock(file, fcntl.LOCK_SH)
        yield


@contextmanager
def no_run_under_way(output: Path) -> Iterator[None]:
    """Hold a folder of runs alone.

    Raises:
        InputError: if a run is under way.
    """
    with (output / _LOCK_FILE).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f"{output}: a run is under way there, or another `clean`; try again when it has "
                "ended"
            ) from None
        yield
