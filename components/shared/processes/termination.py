"""SIGTERM, as a machine that is taken away sends it: to a step's main process, and to ranks."""

import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from typing import Any

_LOOK_EVERY_SECONDS = 0.2


class Termination:
    """Whether the step was asked to end; the processes that train save their state then."""

    def __init__(self) -> None:
        # A plain flag: an Event's lock can't be taken in a signal handler.
        self.is_requested = False
        self._processes: Sequence[BaseProcess] = ()

    @classmethod
    @contextmanager
    def watch(cls) -> Iterator["Termination"]:
        """Note SIGTERM, rather than end on it, for the block."""
        termination = cls()
        # Python takes signals in the main thread only; a test may run elsewhere.
        if threading.current_thread() is not threading.main_thread():
            yield termination
            return
        before = signal.signal(signal.SIGTERM, termination._request)
        try:
            yield termination
        finally:
            signal.signal(signal.SIGTERM, before)

    @contextmanager
    def passed_on_to(self, processes: Sequence[BaseProcess]) -> Iterator[None]:
        """Start the processes, and pass the signal on to them for the block.

        Kubernetes sends it to a container's first process alone.
        """
        for process in processes:
            process.start()
        self._processes = processes
        try:
            if self.is_requested:  # before all had started
                self._pass_on()
            yield
        finally:
            self._processes = ()

    def wait(self, seconds: float) -> None:
        """Return after so many seconds, or soon after the step is asked to end."""
        deadline = time.monotonic() + seconds
        while not self.is_requested and (left := deadline - time.monotonic()) > 0:
            time.sleep(min(left, _LOOK_EVERY_SECONDS))

    def _request(self, *_: Any) -> None:
        self.is_requested = True
        self._pass_on()

    def _pass_on(self) -> None:
        for process in self._processes:
            if process.is_alive():
                process.terminate()


_of_this_rank = Termination()


def watch_in_rank() -> None:
    """From now on, note SIGTERM rather than end on it; for the main thread of a rank."""
    signal.signal(signal.SIGTERM, _of_this_rank._request)


def is_requested_of_rank() -> bool:
    """Whether this rank was asked to end."""
    return _of_this_rank.is_requested
