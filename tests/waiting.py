"""Wait for what a test needs, however slow or busy the machine is."""

import subprocess
import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")

# Ends a test that would wait for ever; nothing that works takes as long.
LONGEST_SECONDS = 600


def wait_until(
    condition: Callable[[], Value],
    process: subprocess.Popen | None = None,
    *,
    interval_seconds: float = 0.01,
) -> Value:
    """Call the condition until it returns something true, and return that.

    Args:
        condition: asked again and again.
        process: what brings it about; its end is a failure, shown with its output.
        interval_seconds: between two calls.
    """
    deadline = time.monotonic() + LONGEST_SECONDS
    while True:
        # Before the condition: what a process did last, it did before its end.
        has_ended = process is not None and process.poll() is not None
        if value := condition():
            return value
        assert not has_ended, f"the process ended: {process.args}\n{process.communicate()}"
        assert time.monotonic() < deadline, f"waited for {LONGEST_SECONDS} seconds"
        time.sleep(interval_seconds)
