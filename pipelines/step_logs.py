"""Why a step of a run failed, in its own words, from whichever of its logs can be read."""

import json
import re
import urllib.error
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from kfp_server_api import ApiException

from pipelines.artifacts import LOGS, UnreadableError, read_artifacts, read_text
from pipelines.cluster import Cluster
from pipelines.packages import Package
from pipelines.progress import list_tasks
from pipelines.workflow import Workflow, driver_of, driver_pod_name, pod_name

_MAX_LINES = 40
# What KFP's launcher and driver write of their own, and Argo's process around them.
_LAUNCHER = re.compile(r"(?P<severity>[IWEF])\d{4} [\d:.]+ +\d+ [\w.]+:\d+\] (?P<message>.*)")
_ARGO = re.compile(r"time=\S+ level=.* argo=true|Error: exit status \d+$")
# How a stage tells its error: `pretrain: error: …`.
_ERROR = re.compile(r"[a-z][a-z-]*( [a-z-]+)?: error: ")
_TRACEBACK = "Traceback (most recent call last):"


@dataclass(frozen=True)
class FailedPod:
    """The last try of a step that failed."""

    step: str
    name: str


def find_failed_pods(run: Any, package: Package) -> list[FailedPod]:
    """Return the pods whose logs say why a run failed, in the order of its steps."""
    tasks = list_tasks(run)
    workflow = Workflow(tasks)
    found = []
    for step in package.steps():
        for task in tasks:
            if task.state != "FAILED" or task.display_name not in (step, driver_of(step)):
                continue
            name = workflow.name_of(task)
            if task.display_name == step:
                pods = [
                    pod_name(id_, package.pod_template(step)) for id_ in workflow.executor_ids(name)
                ]
            else:
                pods = [driver_pod_name(id_) for id_ in workflow.driver_ids(name)]
            found += [FailedPod(step, pod) for pod in pods[-1:]]
    return found


def explain_failure(cluster: Cluster, run: Any, package: Package, pod: FailedPod) -> str:
    """Return a failed step's own error, or where to read it.

    A pod's log is there as long as the pod is; KFP's copy in the artifact store stays.
    """
    namespace = _namespace_of(cluster, run)
    readers: tuple[Callable[[], str], ...] = (
        lambda: _read_from_api(cluster, run.run_id, pod.name),
        lambda: _read_from_ui(cluster, run.run_id, pod.name, namespace),
        lambda: _read_artifact(cluster, run, package, pod.step, namespace),
    )
    for read in readers:
        try:
            return find_error(read())
        except UnreadableError:
            continue
    return (
        "its log can't be read from here; see it with "
        f"`kubectl logs --namespace {namespace or 'kubeflow'} {pod.name} --container main`, "
        f"or in the UI: {cluster.run_link(run.run_id)}"
    )


def _namespace_of(cluster: Cluster, run: Any) -> str:
    """Return the namespace of a run's pods; empty where the server names none."""
    if cluster.namespace or not run.experiment_id:
        return cluster.namespace or ""
    try:
        return cluster.client.get_experiment(run.experiment_id).namespace or ""
    except ApiException:
        return ""


def find_error(log: str) -> str:
    """Return the error at a log's end: the stage's own, a traceback, KFP's, or the last lines."""
    matches = [
        (line, _LAUNCHER.match(line))
        for line in log.splitlines()
        if line.strip() and not _ARGO.match(line)
    ]
    lines = [line for line, match in matches if not match]
    starts = [number for number, line in enumerate(lines) if _ERROR.match(line)]
    starts = starts or [number for number, line in enumerate(lines) if line == _TRACEBACK]
    if starts:
        return "\n".join(lines[starts[-1] :][-_MAX_LINES:])
    if lines:
        return "\n".join(lines[-_MAX_LINES:])
    errors = [match["message"] for _, match in matches if match and match["severity"] in "EF"]
    return errors[-1] if errors else "it wrote nothing before it ended"


def _read_from_api(cluster: Cluster, run_id: str, pod: str) -> str:
    """From the API server, at its own address."""
    text = _fetch(cluster, f"/apis/v1alpha1/runs/{quote(run_id)}/nodes/{quote(pod)}/log")
    # It has sent status 200 before it looks for the pod.
    if text.startswith('{"error'):
        raise UnreadableError(json.loads(text).get("error_message", text))
    return text


def _read_from_ui(cluster: Cluster, run_id: str, pod: str, namespace: str) -> str:
    """From the UI, which serves another path."""
    query = {"podname": pod, "runid": run_id}
    if namespace:
        query["podnamespace"] = namespace
    return _fetch(cluster, f"/k8s/pod/logs?{urlencode(query)}")


def _read_artifact(cluster: Cluster, run: Any, package: Package, step: str, namespace: str) -> str:
    """From the artifact `executor-logs`: through the UI, or from the store itself."""
    artifacts = read_artifacts(cluster, run, package)
    # The copy of each try is an artifact of its own: executor-logs-0, executor-logs-1, …
    logs = [one for one in artifacts if one.step == step and one.name.startswith(LOGS) and one.uri]
    if not logs:
        raise UnreadableError(f"{step} left no {LOGS}")
    uri = max(logs, key=lambda one: (one.execution, len(one.uri), one.uri)).uri
    scheme, _, place = uri.partition("://")
    bucket, _, key = place.partition("/")
    query = {"source": {"gs": "gcs"}.get(scheme, scheme), "bucket": bucket, "key": key}
    if namespace:
        query["namespace"] = namespace
    try:
        return _fetch(cluster, f"/artifacts/get?{urlencode(query)}")
    except UnreadableError:
        return read_text(uri)


def _fetch(cluster: Cluster, path: str) -> str:
    try:
        text = cluster.fetch(path).decode(errors="replace")
    except (urllib.error.HTTPError, OSError, ValueError) as error:
        raise UnreadableError(str(error)) from None
    if text.lstrip().lower().startswith("<!doctype html"):
        raise UnreadableError(f"{path}: a page of the UI")
    return text
