"""What the status of a job's pods says: how far they are, what they wait for, why they failed."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Pod = Mapping[str, Any]

_ROLE_LABEL = "training.kubeflow.org/job-role"
_NO_FAULT = ("PodInitializing", "ContainerCreating")


def role(pod: Pod) -> str:
    """`launcher` or `worker`."""
    return str(pod["metadata"].get("labels", {}).get(_ROLE_LABEL, ""))


def phase(pod: Pod) -> str:
    """Pending, Running, Succeeded or Failed."""
    return str(pod.get("status", {}).get("phase", "Pending"))


def progress(pod: Pod) -> int:
    """How far a pod is on its way to work; only ever grows."""
    status = pod.get("status", {})
    is_scheduled = any(
        condition["type"] == "PodScheduled" and condition["status"] == "True"
        for condition in status.get("conditions", ())
    )
    states = [container.get("state", {}) for container in _containers(pod)]
    return (
        1
        + is_scheduled
        + sum("waiting" not in state for state in states if state)
        + (phase(pod) != "Pending")
        + all(entry.get("ready") for entry in status.get("containerStatuses", [{}]))
    )


def is_fetching(pod: Pod) -> bool:
    """Whether its init container copies the inputs."""
    statuses = pod.get("status", {}).get("initContainerStatuses", ())
    return any("running" in container.get("state", {}) for container in statuses)


def describe_waiting(pods: Iterable[Pod]) -> list[str]:
    """Why each pod that has not started has not; equal reasons once."""
    reasons: dict[str, list[str]] = {}
    for pod in pods:
        if phase(pod) == "Pending":
            reasons.setdefault(_why_waiting(pod), []).append(pod["metadata"]["name"])
    return [
        f"{names[0]}{f' and {len(names) - 1} more' if len(names) > 1 else ''}: {reason}"
        for reason, names in reasons.items()
    ]


def describe_failures(pods: Iterable[Pod]) -> list[str]:
    """Which pods ended badly, and how: OOMKilled, Evicted, an exit status and its last words."""
    found = []
    for pod in pods:
        status, name = pod.get("status", {}), pod["metadata"]["name"]
        if status.get("reason"):  # Evicted, NodeLost, DeadlineExceeded, ...
            found.append(f"{name}: {status['reason']}: {status.get('message', '')}".rstrip(": "))
        for container, ended in _failures(pod):
            words = f"{ended.get('reason', 'Error')}, exit status {ended['exitCode']}"
            found.append(f"{name} ({container}): {words}")
    return found


def failed_with(pod: Pod) -> tuple[int, str] | None:
    """Exit status and last lines of the first of a pod's containers that failed."""
    for _, ended in _failures(pod):
        return int(ended["exitCode"]), str(ended.get("message", ""))
    return None


def _why_waiting(pod: Pod) -> str:
    for condition in pod.get("status", {}).get("conditions", ()):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return f"{condition.get('reason')}: {condition.get('message')}"
    for container in _containers(pod):
        waiting = container.get("state", {}).get("waiting")
        if waiting and waiting.get("reason") not in _NO_FAULT:
            return f"{waiting.get('reason')}: {waiting.get('message', '')}".rstrip(": ")
    return "fetches the inputs" if is_fetching(pod) else "is being set up"


def _failures(pod: Pod) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for container in _containers(pod):
        ended = container.get("state", {}).get("terminated")
        if ended and ended["exitCode"]:
            yield container["name"], ended


def _containers(pod: Pod) -> list[Mapping[str, Any]]:
    status = pod.get("status", {})
    return [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]
