"""Progress of a Beam graph: workers leave marks, which the process that waits counts.

Beam tells how far a graph has come only once it has ended.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

from components.shared.stage.progress import progress

_SECONDS_BETWEEN_LOOKS = 0.5


class Marks:
    """A folder where workers mark each piece of a step that is done."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, step: str) -> None:
        """Mark one more piece as done; nothing happens where it can't be written."""
        try:
            # A byte at the end of a file: writers don't disturb one another.
            with (self._folder / step).open("ab") as file:
                file.write(b".")
        except OSError:
            pass  # also on a full disk: the work itself tells of it

    def count(self, step: str) -> int:
        """Return how many are done."""
        path = self._folder / step
        return path.stat().st_size if path.exists() else 0


class Step(NamedTuple):
    """A step of a graph, as it is shown."""

    name: str
    total: int
    """About how many pieces it has."""
    unit: str


@contextmanager
def show_progress(marks: Marks, *steps: Step) -> Iterator[None]:
    """Show how far steps that follow one another have come while the block runs."""
    is_over = threading.Event()
    watcher = threading.Thread(target=_watch, args=(marks, steps, is_over))
    watcher.start()
    try:
        yield
    finally:
        is_over.set()
        watcher.join()


def _watch(marks: Marks, steps: Sequence[Step], is_over: threading.Event) -> None:
    for step, following in zip_longest(steps, steps[1:]):
        while not marks.count(step.name):
            if is_over.wait(_SECONDS_BETWEEN_LOOKS):
                return
        with progress(step.name, total=step.total, unit=step.unit) as shown:
            before, was_over = 0, False
            while not was_over:
                was_over = is_over.wait(_SECONDS_BETWEEN_LOOKS)
                was_over = was_over or (following is not None and marks.count(following.name) > 0)
                count = marks.count(step.name)
                shown.advance(count - before)
                before = count
