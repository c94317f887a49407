"""The steps of a run on a cluster: their states and how long they took, from the API's words."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.workflow import Workflow, driver_of

NOT_RUN = "NOT_RUN"
"""The state of a step that a run ended without; the API has no word for it."""
_WORDS = {
    "PENDING": "waiting",
    "RUNNING": "running",
    "SUCCEEDED": "done",
    "SKIPPED": "skipped",
    "FAILED": "failed",
    "CANCELING": "being cancelled",
    "CANCELED": "cancelled",
    "PAUSED": "paused",
    NOT_RUN: "not run",
}
# Of several tasks of one step (a loop's), the state that a person must know of comes first.
_PRECEDENCE = ("FAILED", "CANCELING", "CANCELED", "RUNNING", "PAUSED", "PENDING", "SUCCEEDED")
ENDED = ("SUCCEEDED", "SKIPPED", "FAILED", "CANCELED")
_NOT_STARTED = "PENDING"


@dataclass(frozen=True)
class Step:
    """A step of the pipeline, as it is now."""

    title: str
    state: str = _NOT_STARTED
    """V2beta1RuntimeState: PENDING, RUNNING, SUCCEEDED, …; or NOT_RUN."""
    seconds: float | None = None
    """None before it began."""
    num_tasks: int = 1
    """More than one in a loop."""
    is_cached: bool = False
    """Its outputs are those of an equal step of an earlier run; nothing ran."""

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will come of it."""
        return self.state in ENDED or self.state == NOT_RUN

    def describe(self) -> str:
        """Say in words how far it is: `done`, `done (from the cache)`, `running`."""
        return state_in_words(self.state) + (" (from the cache)" if self.is_cached else "")

    def line(self) -> str:
        """How a person reads it: what it does, and for how long."""
        times = f" ({self.num_tasks} times)" if self.num_tasks > 1 else ""
        took = f", {duration(self.seconds)}" if self.seconds is not None else ""
        return f"{self.title}{times}: {self.describe()}{took}"


def state_in_words(state: str | None) -> str:
    """Return a person's word for a state."""
    return _WORDS.get(state or "", "waiting")


def state_of(run: Any) -> str:
    """Return a run's state.

    KFP 2.17 ends a cancelled run as FAILED; only its history tells that it was cancelled.
    """
    if run.state == "FAILED" and _cancelled_at(run) is not None:
        return "CANCELED"
    return run.state or _NOT_STARTED


def _cancelled_at(run: Any) -> datetime.datetime | None:
    times = [one.update_time for one in run.state_history or () if one.state == "CANCELING"]
    return min(times, default=None)


def list_tasks(run: Any) -> list[Any]:
    """Return a run's tasks: the nodes of its workflow.

    Besides them KFP lists the launcher's records in its cache, which have no display name.
    """
    tasks = (run.run_details and run.run_details.task_details) or ()
    return [task for task in tasks if task.display_name]


def observe_steps(run: Any, titles: Mapping[str, str], now: datetime.datetime) -> dict[str, Step]:
    """Return the steps of a run by their names in the IR, in the pipeline's order.

    A step is the node that bears its name; its driver, its pods and the pipeline itself are
    others. A step whose driver failed has failed.
    """
    tasks = list_tasks(run)
    workflow = Workflow(tasks)
    return {
        name: _observe(name, title, run, tasks, workflow, now) for name, title in titles.items()
    }


def _observe(
    name: str,
    title: str,
    run: Any,
    tasks: Sequence[Any],
    workflow: Workflow,
    now: datetime.datetime,
) -> Step:
    drivers = [
        task for task in tasks if task.display_name == driver_of(name) and task.state == "FAILED"
    ]
    # Argo lists the steps that it leaves out after a failure, too: without a state.
    own = [task for task in tasks if task.display_name == name and task.state] + drivers
    if not own:
        return Step(title, NOT_RUN if state_of(run) in ENDED else _NOT_STARTED)
    states = [_state_of_task(task, run) for task in own]
    state = next((one for one in _PRECEDENCE if one in states), states[0])
    is_cached = all(_is_cached(task, workflow) for task in own)
    starts = [task.start_time for task in own if is_time(task.start_time)]
    ends = [task.end_time for task in own if is_time(task.end_time)]
    seconds = None
    if starts and state != "SKIPPED" and not is_cached:
        end = max(ends) if ends and state in ENDED else now
        seconds = (end - min(starts)).total_seconds()
    return Step(title, state, seconds, len(own), is_cached)


def _state_of_task(task: Any, run: Any) -> str:
    """Return a task's state; one that was ended because its run was cancelled has not failed."""
    cancelled = _cancelled_at(run)
    if cancelled and task.state == "FAILED" and task.end_time and task.end_time >= cancelled:
        return "CANCELED"
    return task.state


def _is_cached(task: Any, workflow: Workflow) -> bool:
    """Tell whether a step was done without a pod of its own."""
    name = workflow.name_of(task) if task.state == "SUCCEEDED" else ""
    return bool(name) and workflow.has_executor(name) and not workflow.executor_ids(name)


def is_time(time: datetime.datetime | None) -> bool:
    """Whether it is one: the API writes the year 1 or 1970 for none."""
    return time is not None and time.year > 1970


def duration(seconds: float) -> str:
    """5 s, 2 min 5 s, 3 h 2 min, 2 d 3 h."""
    whole = max(0, round(seconds))
    for unit, smaller, size, divisor in (
        ("d", "h", 86400, 3600),
        ("h", "min", 3600, 60),
        ("min", "s", 60, 1),
    ):
        if whole >= size:
            return f"{whole // size} {unit} {whole % size // divisor} {smaller}"
    return f"{whole} s"
