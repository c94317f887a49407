"""A worker process of the embedded runner, which ends with the process that started it."""

import os
import sys
import threading
from contextlib import redirect_stderr


def _end_with_starter() -> None:
    """Wait for the end of standard input, a pipe whose other end goes with the starter."""
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)


if __name__ == "__main__":
    # Before the imports, which take seconds.
    threading.Thread(target=_end_with_starter, daemon=True).start()
    from apache_beam.runners.worker import sdk_worker_main

    # Beam prints each error of a step, which the run also gets and tells once.
    with open(os.devnull, "w", encoding="utf-8") as nowhere, redirect_stderr(nowhere):
        sdk_worker_main.main(sys.argv)
