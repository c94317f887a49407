"""Find out why a step of a run failed, from whichever of its logs can be read."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

from kfp_server_api import ApiException

from components.shared.stage.step_log import LOGS, find_error
from pipelines.compiled_package import Package
from pipelines.kubeflow.server import Cluster
from pipelines.monitoring.executions import Execution, UnreadableError
from pipelines.monitoring.run_artifacts import read_artifacts, read_text


def explain_failure(cluster: Cluster, run: Any, package: Package, execution: Execution) -> str:
    """Return a failed step's own error, or say where to read it.

    A pod's log is there as long as the pod is; KFP's copy in the artifact store stays.
    """
    namespace, pod = _namespace_of(cluster, run), execution.pod
    readers: list[Callable[[], str]] = []
    if pod:
        readers += [
            lambda: _read_from_api(cluster, run.run_id, pod),
            lambda: _read_from_ui(cluster, run.run_id, pod, namespace),
        ]
    readers.append(lambda: _read_artifact(cluster, run, package, execution, namespace))
    for read in readers:
        try:
            return find_error(read())
        except UnreadableError:
            continue
    command = f"kubectl logs --namespace {namespace or 'kubeflow'} {pod} --container main"
    return (
        "its log can't be read from here; see it "
        + (f"with `{command}`, or " if pod else "")
        + f"in the UI: {cluster.run_link(run.run_id)}"
    )


def _namespace_of(cluster: Cluster, run: Any) -> str:
    """Return the namespace of a run's pods; empty where the server names none."""
    if cluster.namespace or not run.experiment_id:
        return cluster.namespace or ""
    try:
        return cluster.client.get_experiment(run.experiment_id).namespace or ""
    except ApiException:
        return ""


def _read_from_api(cluster: Cluster, run_id: str, pod: str) -> str:
    """Read a pod's log from the API server, at its own address."""
    text = _fetch(cluster, f"/apis/v1alpha1/runs/{quote(run_id)}/nodes/{quote(pod)}/log")
    # It has sent status 200 before it looks for the pod.
    if text.startswith('{"error'):
        raise UnreadableError(json.loads(text).get("error_message", text))
    return text


def _read_from_ui(cluster: Cluster, run_id: str, pod: str, namespace: str) -> str:
    """Read a pod's log from the UI, which serves another path."""
    query = {"podname": pod, "runid": run_id}
    if namespace:
        query["podnamespace"] = namespace
    return _fetch(cluster, f"/k8s/pod/logs?{urlencode(query)}")


def _read_artifact(
    cluster: Cluster, run: Any, package: Package, execution: Execution, namespace: str
) -> str:
    """Read the artifact `executor-logs` through the UI, or from the store itself."""
    step = execution.step
    artifacts = read_artifacts(cluster, run, package)
    logs = [one for one in artifacts if one.step == step and one.name.startswith(LOGS) and one.uri]
    # In a loop, the iteration that failed, where the place names pods.
    logs = [one for one in logs if one.pod == execution.pod] or logs
    if not logs:
        raise UnreadableError(f"{step} left no {LOGS}")
    # The copy of each try is an artifact of its own: executor-logs-0, executor-logs-1, …
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
    except (OSError, ValueError) as error:
        raise UnreadableError(str(error)) from None
    if text.lstrip().lower().startswith("<!doctype html"):
        raise UnreadableError(f"{path}: a page of the UI")
    return text
