"""Read a run's tasks where the API server lists them with their outputs.

KFP does so once it has no ML Metadata (kubeflow/pipelines#13986): GET /runs/{run}/tasks. KFP 2.17
and before answer 404. A Metrics artifact is one artifact a scalar there.
"""

import datetime
import json
import urllib.error
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from pipelines.kubeflow.server import Cluster
from pipelines.monitoring.executions import Execution, UnreadableError
from pipelines.monitoring.run_artifacts import Artifact

_PAGE_SIZE = 100
_SCALAR = "Metric"


def list_executions(cluster: Cluster, run_id: str) -> list[Execution]:
    """Return the executions of a run's steps.

    Raises:
        UnreadableError: if the API server does not list them.
    """
    return [
        Execution(
            task["name"],
            "SUCCEEDED" if task["state"] == "CACHED" else task["state"],
            _time(task.get("create_time")),
            _time(task.get("end_time")),
            is_cached=task["state"] == "CACHED",
            pod=_last_pod(task),
        )
        for task in _list_steps(cluster, run_id)
        if task.get("state")
    ]


def list_artifacts(cluster: Cluster, run_id: str) -> list[Artifact]:
    """Return the artifacts of a run's steps.

    Raises:
        UnreadableError: if the API server does not list them.
    """
    return [one for task in _list_steps(cluster, run_id) for one in _outputs(task)]


def _list_steps(cluster: Cluster, run_id: str) -> list[dict[str, Any]]:
    """Return the tasks that have pods, in the order in which they were made."""
    try:
        tasks = [task for task in _list_tasks(cluster, run_id) if task.get("type") == "RUNTIME"]
    except urllib.error.HTTPError as error:
        raise UnreadableError(f"the API server: {error.code} for the run's tasks") from None
    except (OSError, ValueError) as error:
        raise UnreadableError(f"the API server: {error}") from None
    return sorted(tasks, key=lambda task: task.get("create_time", ""))


def _list_tasks(cluster: Cluster, run_id: str) -> Iterator[dict[str, Any]]:
    token = ""
    while True:
        query = urlencode({"page_size": _PAGE_SIZE, "page_token": token})
        page = json.loads(cluster.fetch(f"/apis/v2beta1/runs/{run_id}/tasks?{query}"))
        yield from page.get("tasks", ())
        token = page.get("next_page_token", "")
        if not token:
            return


def _time(text: str | None) -> datetime.datetime | None:
    return datetime.datetime.fromisoformat(text) if text else None


def _last_pod(task: Mapping[str, Any]) -> str:
    """Return the pod of a task's last try; of its driver, where there was no other."""
    pods = sorted(task.get("pods", ()), key=lambda pod: pod.get("type") == "EXECUTOR")
    return pods[-1]["name"] if pods else ""


def _outputs(task: Mapping[str, Any]) -> Iterator[Artifact]:
    execution = f"{task.get('create_time', '')} {task['task_id']}"
    for output in task.get("outputs", {}).get("artifacts", ()):
        artifacts = output.get("artifacts", ())
        scalars = {
            one["name"]: one["number_value"] for one in artifacts if one.get("type") == _SCALAR
        }
        last = artifacts[-1] if artifacts else {}
        metadata = last.get("metadata") or {}
        yield Artifact(
            task["name"],
            execution,
            output["artifact_key"],
            last.get("uri", ""),
            scalars,
            _last_pod(task),
            {name: value for name, value in metadata.items() if isinstance(value, str)},
        )
