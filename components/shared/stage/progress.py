"""Progress that a person can follow: a bar in a terminal, plain lines in a log."""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import BinaryIO, TextIO

# Set by the local runner to its own terminal: a step's output goes through pipes,
# where a bar can't be drawn.
TERMINAL_VARIABLE = "PROGRESS_TERMINAL"
_SECONDS_BETWEEN_LINES = 10.0
_MB = 10**6
# Fewer bytes are done before anybody wonders.
_WORTH_SHOWING_BYTES = 100 * _MB


class Progress:
    """Counts the steps of one long task and shows them."""

    def __init__(
        self,
        label: str,
        total: int | None,
        unit: str,
        terminal: TextIO | None,
        log: TextIO | None = None,
    ) -> None:
        self._log = log
        self._label, self._total, self._unit = label, total, unit
        self._count = 0
        self._note = ""
        self._started = self._last_line = time.monotonic()
        self._bar = None
        if terminal is not None:
            from tqdm import tqdm  # here: a log needs no bar, nor does the pipeline's runner

            self._bar = tqdm(
                total=total,
                desc=label,
                unit=f" {unit}",
                file=terminal,
                leave=True,
                dynamic_ncols=True,
            )

    def advance(self, count: int = 1, note: str = "") -> None:
        """Count some more, with a word on how it goes (a loss, a file's name)."""
        self._count += count
        self._note = note or self._note
        if self._bar is not None:
            self._bar.set_postfix_str(self._note, refresh=False)
            self._bar.update(count)
        elif time.monotonic() - self._last_line >= _SECONDS_BETWEEN_LINES:
            self._print_line()

    def close(self) -> None:
        """Show the end state."""
        if self._bar is not None:
            self._bar.close()
        else:
            self._print_line()

    def _print_line(self) -> None:
        self._last_line = time.monotonic()
        seconds = self._last_line - self._started
        of_total = f" of {self._total}" if self._total else ""
        note = f", {self._note}" if self._note else ""
        print(
            f"{self._label}: {self._count}{of_total} {self._unit} in {seconds:.0f} s{note}",
            file=self._log or sys.stderr,
            flush=True,
        )


@contextmanager
def progress(
    label: str, *, total: int | None = None, unit: str = "steps", is_shown: bool = True
) -> Iterator[Progress]:
    """Show how far a loop has come; `total` None where its end isn't known.

    `is_shown` is false in all but one of the processes that do the same.
    """
    if not is_shown:
        with open(os.devnull, "w", encoding="utf-8") as nowhere:
            yield Progress(label, total, unit, None, log=nowhere)
        return
    path = os.environ.get(TERMINAL_VARIABLE)
    with ExitStack() as stack:
        terminal: TextIO | None = sys.stderr if sys.stderr.isatty() else None
        if path and os.path.exists(path):
            terminal = stack.enter_context(open(path, "w", encoding="utf-8"))
        shown = Progress(label, total, unit, terminal)
        stack.callback(shown.close)
        yield shown


@contextmanager
def progress_in_bytes(
    label: str, num_bytes: int | None, *, done: int = 0
) -> Iterator[Callable[[int], None]]:
    """Show how many MB are done; yields the function that counts more bytes, in any thread."""
    if num_bytes is not None and num_bytes < _WORTH_SHOWING_BYTES:
        yield lambda _: None
        return
    total = None if num_bytes is None else num_bytes // _MB
    with progress(label, total=total, unit="MB") as shown:
        position, lock = 0, threading.Lock()

        def advance(count: int) -> None:
            nonlocal position
            with lock:
                before, position = position // _MB, position + count
                shown.advance(position // _MB - before)

        advance(done)
        yield advance


class Counted:
    """A file whose bytes are counted as they are read or written, a repeated part once."""

    def __init__(self, file: BinaryIO, advance: Callable[[int], object]) -> None:
        self._file, self._advance = file, advance
        self._furthest = 0

    def read(self, size: int = -1) -> bytes:
        """As of the file."""
        content = self._file.read(size)
        self._count()
        return content

    def write(self, content: bytes) -> int:
        """As of the file."""
        written = self._file.write(content)
        self._count()
        return written

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """As of the file."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """As of the file."""
        return self._file.tell()

    def flush(self) -> None:
        """As of the file."""
        self._file.flush()

    def _count(self) -> None:
        position = self._file.tell()
        if position > self._furthest:
            self._advance(position - self._furthest)
            self._furthest = position
