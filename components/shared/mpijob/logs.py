"""Passes a pod's log on while it is written."""

import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

# Lines kept, to find an error among them and to repeat the last.
_NUM_KEPT = 1000
# Silence after which the connection is taken for dead.
_READ_SECONDS, _WAIT_SECONDS = 600.0, 1.0


class LogStream:
    """Prints a container's log to stdout, line by line, each once, until it has ended."""

    def __init__(self, open_log: Callable[..., Any]) -> None:
        """Start at once, in a thread.

        Args:
            open_log: opens the log from its first line; takes `read_seconds`.
        """
        self.lines: deque[str] = deque(maxlen=_NUM_KEPT)
        self._open_log = open_log
        self._ended = threading.Event()
        # The time of the last line, and how many lines of that time there were.
        self._last, self._num_at_last = ("", ""), 0
        self._thread = threading.Thread(target=self._repeat, name="log", daemon=True)
        self._thread.start()

    def finish(self, timeout_seconds: float) -> None:
        """Once the container has ended: wait for what is left of its log."""
        self._ended.set()
        self._thread.join(timeout_seconds)

    def _repeat(self) -> None:
        while True:
            is_last = self._ended.is_set()
            try:
                response = self._open_log(read_seconds=_READ_SECONDS)
                try:
                    self._pass_on(_split(response.stream(amt=None, decode_content=False)))
                finally:
                    response.close()
                # An end of the stream is the container's end, or the kubelet's or a proxy's.
                if is_last:
                    return
            except (HTTPError, ApiException, ValueError, OSError):
                if is_last:
                    return
            self._ended.wait(_WAIT_SECONDS)

    def _pass_on(self, lines: Iterator[str]) -> None:
        """Print those that are new: after a cut the log comes from its beginning."""
        last, to_skip = self._last, self._num_at_last
        for line in lines:
            time, _, text = line.partition(" ")
            seconds, _, fraction = time.rstrip("Z").partition(".")
            key = (seconds, fraction.ljust(9, "0"))  # zeros at its end are left out
            if key < last:
                continue
            if key == last and to_skip:
                to_skip -= 1
                continue
            self._num_at_last = self._num_at_last + 1 if key == self._last else 1
            self._last = key
            self.lines.append(text)
            print(text, flush=True, file=sys.stdout)


def _split(chunks: Iterator[bytes]) -> Iterator[str]:
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line.decode("utf-8", "replace")
