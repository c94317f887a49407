"""What a run on this machine shows: a line per step; all else goes to a file in its folder."""

import io
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TextIO

LOG_FILE = "log.txt"


class RunLog(io.TextIOBase):
    """Takes what kfp and the steps print, and tells the terminal of each step.

    kfp names the run's folder when the first step starts; what it prints before that waits.
    """

    def __init__(self, terminal: TextIO) -> None:
        self._terminal = terminal
        self._file: TextIO | None = None
        self._early: list[str] = []
        self.path: Path | None = None
        self.seconds: list[tuple[str, float]] = []
        """How long each step took, in the order in which they ended."""

    def write(self, text: str) -> int:
        """Write to the file."""
        if self._file is None:
            self._early.append(text)
        else:
            self._file.write(text)
            self._file.flush()
        return len(text)

    @contextmanager
    def step(self, title: str, run_folder: Path) -> Iterator[None]:
        """Tell the terminal that a step starts, and how long it took."""
        self._open(run_folder)
        print(f"{title} …", file=self._terminal, flush=True)
        started = time.monotonic()
        yield
        seconds = time.monotonic() - started
        self.seconds.append((title, seconds))
        print(f"{title}: {seconds:.1f} s", file=self._terminal, flush=True)

    @contextmanager
    def capture(self) -> Iterator[None]:
        """Send all that Python prints to the file until the end of the run."""
        try:
            with redirect_stdout(self):  # type: ignore[type-var]
                yield
        finally:
            if self._file is not None:
                self._file.close()
            else:
                # No step started: what went wrong is said here, if anywhere.
                print("".join(self._early), end="", file=self._terminal)

    def _open(self, run_folder: Path) -> None:
        if self._file is None:
            run_folder.mkdir(parents=True, exist_ok=True)
            self.path = run_folder / LOG_FILE
            self._file = self.path.open("w", encoding="utf-8")
            self._file.writelines(self._early)
            print(f"Log: {self.path}", file=self._terminal, flush=True)


def start_log() -> RunLog:
    """Return a log that shows the steps where this process prints."""
    return RunLog(sys.stdout)
