"""Why an MPIJob failed, from all that is known of it."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from components.shared.errors import InputError, JobError, Preempted
from components.shared.mpijob import pods as pod_status

_INPUT_ERROR, _SIGTERM = 2, 143  # exit statuses of a stage
_NUM_LINES = 20
# A stage's own error; not that of a process whose peer was gone.
_ERROR = re.compile(r"^\w+: error: (?!another process ended)(.*)$", re.MULTILINE)
_ENDED = re.compile(r"^\w+: (ended by SIGTERM.*)$", re.MULTILINE)


def explain(
    job: Mapping[str, Any],
    pods: Sequence[pod_status.Pod],
    *,
    lines: Sequence[str],
    warnings: Sequence[str],
) -> Exception:
    """The error to raise: the training's own where it has told it, else all that is known.

    Args:
        job: the MPIJob, with its conditions.
        pods: its pods.
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
        if status == _SIGTERM and (found := _ENDED.search(text)):
            return Preempted(found[1])
    told = [
        f"MPIJob {job['metadata']['name']} failed{_condition(job)}" if job else "the MPIJob failed"
    ]
    told += [f"  {failure}" for failure in pod_status.describe_failures(pods)]
    told += [f"  {warning}" for warning in warnings]
    if lines:
        told += ["the launcher's last lines:", *(f"  {line}" for line in lines[-_NUM_LINES:])]
    else:
        told += [
            f"{pod['metadata']['name']}'s last lines:\n  "
            + failure[1].strip().replace("\n", "\n  ")
            for pod in pods
            if (failure := pod_status.failed_with(pod)) and failure[1]
        ]
    return JobError("\n".join(told))


def _condition(job: Mapping[str, Any]) -> str:
    for condition in job.get("status", {}).get("conditions", ()):
        if condition["type"] == "Failed" and condition["status"] == "True":
            return f": {condition.get('reason', '')}: {condition.get('message', '')}"
    return ""
