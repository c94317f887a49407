"""List the executions of a run's steps: how far each is, and in which pod."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.compiled_package import Package
from pipelines.kubeflow.server import Cluster

ENDED = ("SUCCEEDED", "SKIPPED", "FAILED", "CANCELED")
"""The states of runs and steps of which nothing more will come."""


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
    """Return what the server knows of a run's steps so far.

    KFP 2.15 to 2.17 lists the nodes of a run's workflow only while they take less than 1 MB: Argo
    Workflows then compresses them, and the list stays as it was. ML Metadata knows the rest.
    """
    from pipelines.monitoring import metadata, rest_tasks, workflow

    tasks = (run.run_details and run.run_details.task_details) or ()
    if tasks:
        listed = workflow.list_executions(tasks, package)
        try:
            recorded = metadata.list_executions(cluster, run.run_id, package)
        except UnreadableError:
            return listed
        return _complete(listed, recorded, has_ended=run.state in ENDED)
    try:
        return rest_tasks.list_executions(cluster, run.run_id)
    except UnreadableError:  # KFP 2.17 and before, as long as the workflow has no node
        return []


def _complete(
    listed: Sequence[Execution], recorded: Sequence[Execution], *, has_ended: bool
) -> list[Execution]:
    """Return the listed executions, or where the list is behind, the recorded ones."""
    step_to_both = {
        step: (
            [one for one in listed if one.step == step],
            [one for one in recorded if one.step == step],
        )
        for step in dict.fromkeys(one.step for one in [*listed, *recorded])
    }
    is_behind = any(len(known) > len(seen) for seen, known in step_to_both.values())
    if not is_behind and not (has_ended and any(one.state not in ENDED for one in listed)):
        return list(listed)
    return [
        one
        for seen, known in step_to_both.values()
        for one in (known if _is_behind(seen, known) else seen)
    ]


def _is_behind(seen: Sequence[Execution], known: Sequence[Execution]) -> bool:
    if len(known) == len(seen):
        return any(one.state not in ENDED for one in seen)
    return len(known) > len(seen)
