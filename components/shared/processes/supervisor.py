"""Restarts a training that died from its newest checkpoint, in the pod where it runs.

By default, Kubeflow's workflow engine starts a step again only where its pod was lost, not where
its process failed. The step's main process therefore survives what ends those that train.
"""

import sys
from collections.abc import Callable

from components.shared.errors import Preempted, TrainingLostError, UnreachableError
from components.shared.processes.termination import Termination

_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 5.0, 300.0


def supervise(
    train: Callable[[Termination], None],
    *,
    label: str,
    max_restarts: int,
    find_newest_step: Callable[[], int | None],
    first_wait_seconds: float = _FIRST_WAIT_SECONDS,
) -> None:
    """Call `train` until it succeeds, fails for good, or is restarted in vain too often.

    Args:
        train: trains from the newest checkpoint to the end.
        label: names the training in the line that each restart prints.
        max_restarts: how many restarts in a row may reach no newer checkpoint.
        find_newest_step: returns the optimizer steps in the newest checkpoint, 0 without one,
            None if they can't be told.
        first_wait_seconds: the pause before a restart; doubled while none gets further.

    Raises:
        InputError, DivergedError: as the training raised it: a restart would raise it again.
        Preempted: after a SIGTERM to this process.
        TrainingLostError, UnreachableError: after the last restart.
    """
    num_restarts, furthest_step = 0, -1
    with Termination.watch() as termination:
        while True:
            try:
                train(termination)
                return
            except (TrainingLostError, UnreachableError, Preempted) as error:
                if termination.is_requested:
                    raise
                step = find_newest_step()
                if step is not None and step > furthest_step:
                    num_restarts, furthest_step = 0, step
                if num_restarts == max_restarts:
                    if not max_restarts or isinstance(error, UnreachableError):
                        raise
                    raise TrainingLostError(
                        f"{error}\nnot restarted again: max_restarts {max_restarts} in a row have "
                        f"not reached a newer checkpoint"
                    ) from None
                cause = str(error).splitlines()[0]
                saved = "the newest checkpoint" if step is None else f"step {step}"
            wait_seconds = min(first_wait_seconds * 2**num_restarts, _LONGEST_WAIT_SECONDS)
            num_restarts += 1
            print(
                f"{label}: {cause}; restart {num_restarts} of {max_restarts} from {saved} in "
                f"{wait_seconds:g} s",
                file=sys.stderr,
                flush=True,
            )
            termination.wait(wait_seconds)
            if termination.is_requested:
                raise Preempted(f"ended by SIGTERM between two tries; {saved} is saved")
