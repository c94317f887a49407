"""Why an MPIJob failed, from all that is known of it."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from components.shared.errors import (
    DivergedError,
    InputError,
    JobError,
    Preempted,
    TrainingLostError,
)
from components.shared.mpijob import pod_status

_OWN_WORDS, _INPUT_ERROR, _SIGTERM = 1, 2, 143  # exit statuses of a stage
_DEADLINE = "DeadlineExceeded"  # Kubernetes's reason once activeDeadlineSeconds are over
_NUM_LINES = 20
# A stage's own error; not that of a process whose peer was gone.
_ERROR = re.compile(r"^\w+: error: (?!another process ended)(.*)$", re.MULTILINE)
_ENDED = re.compile(r"^\w+: (ended by SIGTERM.*)$", re.MULTILINE)


def explain(
    job: Mapping[str, Any],
    pods: Sequence[pod_status.Pod],
    *,
    lost: Sequence[str],
    lines: Sequence[str],
    warnings: Sequence[str],
) -> Exception:
    """Return the error to raise: the training's own, else all that is known.

    A new job may not meet a `TrainingLostError`, nor the pods' end that made it `Preempted`.

    Args:
        job: the MPIJob, with its conditions.
        pods: its pods.
        lost: what is known of the pods that went away.
        lines: the last ones of the launcher's log.
        warnings: what the mpi-operator says, where there is no log.
    """
    for pod in pods:
        failure = pod_status.failed_with(pod)
        if failure is None:
            continue
        status, last_words = failure
        text = "\n".join(lines) if pod_status.role(pod) == "launcher" and lines else last_words
        if status == _INPUT_ERROR and (found := _ERROR.search(text)):
            return InputError(found[1])
        if status == _OWN_WORDS and (found := _ERROR.search(text)):
            return DivergedError(found[1])
        if status == _SIGTERM and (found := _ENDED.search(text)):
            return Preempted("; ".join([found[1], *lost]))
    reason, message = _condition(job)
    causes = [*lost, *pod_status.describe_failures(pods), *warnings]
    words = [f"MPIJob {job['metadata']['name']} failed", reason, message, "; ".join(causes)]
    told = [": ".join(filter(None, words))]
    if lines:
        told += ["the launcher's last lines:", *(f"  {line}" for line in lines[-_NUM_LINES:])]
    else:
        told += [
            f"{pod['metadata']['name']}'s last lines:\n  "
            + failure[1].strip().replace("\n", "\n  ")
            for pod in pods
            if (failure := pod_status.failed_with(pod)) and failure[1]
        ]
    return (JobError if reason == _DEADLINE else TrainingLostError)("\n".join(told))


def _condition(job: Mapping[str, Any]) -> tuple[str, str]:
    """Reason and message of the job's failure; empty where the job hasn't failed."""
    for condition in job.get("status", {}).get("conditions", ()):
        if condition["type"] == "Failed" and condition["status"] == "True":
            return condition.get("reason", ""), condition.get("message", "")
    return "", ""
