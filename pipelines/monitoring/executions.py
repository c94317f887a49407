"""List the executions of a run's steps: how far each is, and in which pod."""

import datetime
from dataclasses import dataclass
from typing import Any

from pipelines.compiled_package import Package
from pipelines.kubeflow.server import Cluster


class UnreadableError(Exception):
    """A place could not be read; the message says which, and why."""


@dataclass(frozen=True)
class Execution:
    """A step of a run, or one iteration of a step in a loop."""

    step: str
    """The step's name in the IR."""
    state: str
    """V2beta1RuntimeState: RUNNING, SUCCEEDED, …"""
    start: datetime.datetime | None = None
    end: datetime.datetime | None = None
    is_cached: bool = False
    """Its outputs are those of an equal step of an earlier run; nothing ran."""
    pod: str = ""
    """Of its last try; of its driver, where that failed. Empty where none is known."""


def known_time(time: datetime.datetime | None) -> datetime.datetime | None:
    """Return a time of the API's, which writes the year 1 or 1970 for none."""
    return time if time is not None and time.year > 1970 else None


def list_executions(cluster: Cluster, run: Any, package: Package) -> list[Execution]:
    """Return what the server knows of a run's steps so far."""
    from pipelines.monitoring import rest_tasks, workflow

    tasks = (run.run_details and run.run_details.task_details) or ()
    if tasks:
        return workflow.list_executions(tasks, package)
    try:
        return rest_tasks.list_executions(cluster, run.run_id)
    except UnreadableError:  # KFP 2.17 and before, as long as the workflow has no node
        return []
