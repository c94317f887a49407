"""The steps of a run on a cluster: their states and how long they took, from the API's words."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_WORDS = {
    "PENDING": "waiting",
    "RUNNING": "running",
    "SUCCEEDED": "done",
    "SKIPPED": "skipped",
    "FAILED": "failed",
    "CANCELING": "being cancelled",
    "CANCELED": "cancelled",
    "PAUSED": "paused",
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
    """V2beta1RuntimeState: PENDING, RUNNING, SUCCEEDED, …"""
    seconds: float | None = None
    """None before it began."""
    num_tasks: int = 1
    """More than one in a loop."""

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will come of it."""
        return self.state in ENDED

    def line(self) -> str:
        """How a person reads it: what it does, and for how long."""
        times = f" ({self.num_tasks} times)" if self.num_tasks > 1 else ""
        took = f", {duration(self.seconds)}" if self.seconds is not None else ""
        return f"{self.title}{times}: {state_in_words(self.state)}{took}"


def state_in_words(state: str | None) -> str:
    """A V2beta1RuntimeState."""
    return _WORDS.get(state or "", "waiting")


def observe_steps(run: Any, titles: Mapping[str, str], now: datetime.datetime) -> dict[str, Step]:
    """The steps of a run by their names in the IR, in the pipeline's order.

    The API lists the nodes of the workflow, of which a step is the one that bears its name;
    its driver, its pod and the pipeline itself are others.
    """
    tasks: dict[str, list[Any]] = {name: [] for name in titles}
    for task in (run.run_details and run.run_details.task_details) or ():
        if task.display_name in tasks:
            tasks[task.display_name].append(task)
    return {name: _observe(titles[name], tasks[name], now) for name in titles}


def _observe(title: str, tasks: list[Any], now: datetime.datetime) -> Step:
    if not tasks:
        return Step(title)
    states = [task.state or _NOT_STARTED for task in tasks]
    state = next((one for one in _PRECEDENCE if one in states), states[0])
    starts = [task.start_time for task in tasks if is_time(task.start_time)]
    ends = [task.end_time for task in tasks if is_time(task.end_time)]
    seconds = None
    if starts and state != "SKIPPED":
        end = max(ends) if ends and state in ENDED else now
        seconds = (end - min(starts)).total_seconds()
    return Step(title, state, seconds, len(tasks))


def is_time(time: datetime.datetime | None) -> bool:
    """Whether it is one: the API writes 1970 for none."""
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
