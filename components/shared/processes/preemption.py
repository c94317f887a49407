"""SIGTERM, as a machine that is about to be taken away sends it."""

import signal
import threading
from types import FrameType

_requested = threading.Event()


def watch() -> None:
    """From now on take note of SIGTERM rather than end on it; for a process's main thread."""
    signal.signal(signal.SIGTERM, _take_note)


def is_requested() -> bool:
    """Whether this process was asked to end."""
    return _requested.is_set()


def _take_note(_signal: int, _frame: FrameType | None) -> None:
    _requested.set()
