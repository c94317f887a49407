"""Derive the states and durations of a run's steps from what the API lists."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pipelines.monitoring.executions import ENDED, Execution

NOT_RUN = "NOT_RUN"
"""The state of a step that a run ended without; the API has no word for it."""
_WORDS = {
    "PENDING": "waiting",
    "RUNNING": "running",
    "SUCCEEDED": "done",
    "SKIPPED": "skipped",
    "FAILED": "failed",
    "CANCELING": "being canceled",
    "CANCELED": "canceled",
    "PAUSED": "paused",
    NOT_RUN: "not run",
}
# Of several tasks of one step (a loop's), the state that a person must know of comes first.
_PRECEDENCE = ("FAILED", "CANCELING", "CANCELED", "RUNNING", "PAUSED", "PENDING", "SUCCEEDED")
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

    KFP 2.17 ends a canceled run as FAILED; only its history tells that it was canceled.
    """
    if run.state == "FAILED" and _canceled_at(run) is not None:
        return "CANCELED"
    return run.state or _NOT_STARTED


def _canceled_at(run: Any) -> datetime.datetime | None:
    times = [one.update_time for one in run.state_history or () if one.state == "CANCELING"]
    return min(times, default=None)


def observe_steps(
    run: Any, executions: Sequence[Execution], titles: Mapping[str, str], now: datetime.datetime
) -> dict[str, Step]:
    """Return the steps of a run by their names in the IR, in the pipeline's order."""
    missing = Step("", NOT_RUN if executions and state_of(run) in ENDED else _NOT_STARTED)
    steps = {}
    for name, title in titles.items():
        own = [one for one in executions if one.step == name]
        steps[name] = _observe(title, run, own, now) if own else replace(missing, title=title)
    return steps


def _observe(title: str, run: Any, own: Sequence[Execution], now: datetime.datetime) -> Step:
    states = [_state_of_execution(one, run) for one in own]
    state = next((one for one in _PRECEDENCE if one in states), states[0])
    is_cached = all(one.is_cached for one in own)
    starts = [one.start for one in own if one.start]
    ends = [one.end for one in own if one.end]
    seconds = None
    if starts and state != "SKIPPED" and not is_cached:
        end = max(ends) if ends and state in ENDED else now
        seconds = (end - min(starts)).total_seconds()
    return Step(title, state, seconds, len(own), is_cached)


def _state_of_execution(execution: Execution, run: Any) -> str:
    """Return a state; a step that was ended because its run was canceled has not failed."""
    canceled = _canceled_at(run)
    was_ended = canceled and execution.end and execution.end >= canceled
    return "CANCELED" if was_ended and execution.state == "FAILED" else execution.state


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
