"""The embedded runner's worker processes, which would outlive a run that is killed.

Beam's workers wait for ever for a runner that is gone, and hold their memory.
"""

import os
import select
import threading

# Holds the process id of the runner, whose workers inherit it.
RUNNER_VARIABLE = "PREPROCESS_RUNNER_PID"


def end_with_runner() -> None:
    """In a worker process, see to it that it ends once its runner has, in whatever way."""
    if "WORKER_ID" in os.environ and RUNNER_VARIABLE in os.environ:
        threading.Thread(target=_wait_and_end, daemon=True).start()


def _wait_and_end() -> None:
    try:
        runner = os.pidfd_open(int(os.environ[RUNNER_VARIABLE]))
    except ProcessLookupError:
        os._exit(1)
    except OSError:
        return  # a sandbox that knows no such calls: then only a killed run leaves workers
    select.select([runner], [], [])
    os._exit(1)
