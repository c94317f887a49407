"""What the status of a job's pods says: how far they are, what they wait for, why they failed."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Pod = Mapping[str, Any]

_ROLE_LABEL = "training.kubeflow.org/job-role"
# The condition of a pod that the cluster ends, and the reason of a pod whose node is silent.
_DISRUPTED, _LOST = "DisruptionTarget", "NodeLost"
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
        + is_ready(pod)
    )


def is_ready(pod: Pod) -> bool:
    """Whether all its containers do their work."""
    statuses = pod.get("status", {}).get("containerStatuses", ())
    return bool(statuses) and all(entry.get("ready") for entry in statuses)


def is_leaving(pod: Pod) -> bool:
    """Whether the pod is being deleted, or its node is drained, preempted or lost."""
    status = pod.get("status", {})
    is_disrupted = any(
        condition["type"] == _DISRUPTED and condition["status"] == "True"
        for condition in status.get("conditions", ())
    )
    return "deletionTimestamp" in pod["metadata"] or is_disrupted or status.get("reason") == _LOST


def update_running(before: Mapping[str, Pod], now: Mapping[str, Pod]) -> dict[str, Pod]:
    """Return the pods that have run, as they were last seen; those that are gone too."""
    running = dict(before)
    for name, pod in now.items():
        if name not in running:
            if phase(pod) == "Running" and not is_leaving(pod):
                running[name] = pod
        elif _uid(pod) == _uid(running[name]):
            running[name] = pod
    return running


def describe_lost(before: Mapping[str, Pod], now: Mapping[str, Pod]) -> list[str]:
    """Which pods of those that ran have left or are leaving, and why.

    mpi-operator makes a new pod of the same name in place of a worker that is gone.
    """
    found = []
    for name, old in before.items():
        pod = now.get(name)
        if pod is None or _uid(pod) != _uid(old):
            found.append(f"{name} was deleted while it ran{_say_disruption(old)}")
        elif is_leaving(pod):
            found.append(f"{name} is being ended{_say_disruption(pod)}")
    return found


def _uid(pod: Pod) -> str:
    return str(pod["metadata"].get("uid", ""))


def _say_disruption(pod: Pod) -> str:
    """The cluster's reason, such as PreemptionByScheduler, and the pod's node."""
    node = pod.get("spec", {}).get("nodeName", "")
    told = [f" (node {node})" if node else ""]
    for condition in pod.get("status", {}).get("conditions", ()):
        if condition["type"] == _DISRUPTED and condition["status"] == "True":
            words = (condition.get("reason", ""), condition.get("message", ""))
            told.append(": ".join(["", *filter(None, words)]))
    return "".join(told)


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
