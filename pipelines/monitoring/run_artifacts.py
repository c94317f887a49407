"""Read the artifacts of a run's steps from whichever place can be read.

KFP 2.15 to 2.17 keep them in ML Metadata, which the UI's address serves and the API server's own
does not; a server without ML Metadata lists them among the run's tasks. Where neither answers, the
artifact store is listed, if the run names its place.
"""

import json
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from components.shared.errors import InputError
from components.shared.storage.transfers import open_bucket
from pipelines.compiled_package import Package
from pipelines.kubeflow.server import Cluster
from pipelines.monitoring.executions import UnreadableError

CHANGES = "changes"
"""The output of a retraining's first step that says what was new; its metadata has the same."""


@dataclass(frozen=True)
class Artifact:
    """An output artifact of one execution of a step."""

    step: str
    """The step's name in the IR."""
    execution: str
    """Identifies the iteration of a loop; sorts in their order."""
    name: str
    uri: str = ""
    scalars: Mapping[str, float] = field(default_factory=dict)
    """Of a Metrics artifact."""
    pod: str = ""
    """Of the execution's last try; empty where the place does not tell."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """Of its metadata."""


def read_artifacts(cluster: Cluster, run: Any, package: Package) -> list[Artifact]:
    """Return the artifacts of a run's steps, of a retried step those of its last try.

    Raises:
        UnreadableError: if no place can be read.
    """
    return _read_first(
        lambda: read_recorded_artifacts(cluster, run, package), lambda: _list_store(run, package)
    )


def read_recorded_artifacts(cluster: Cluster, run: Any, package: Package) -> list[Artifact]:
    """Return the artifacts, those of other runs that steps took from the cache among them.

    Raises:
        UnreadableError: if the server's records can't be read.
    """
    from pipelines.monitoring import metadata, rest_tasks

    return _read_first(
        lambda: rest_tasks.list_artifacts(cluster, run.run_id),
        lambda: metadata.list_artifacts(cluster, run.run_id, package),
    )


def _read_first(*places: Callable[[], list[Artifact]]) -> list[Artifact]:
    reasons = []
    for read in places:
        try:
            return read()
        except UnreadableError as error:
            reasons.append(str(error))
    raise UnreadableError("; ".join(reasons))


def name_metrics(
    artifacts: list[Artifact], titles: Mapping[str, str]
) -> dict[str, Mapping[str, float]]:
    """Return the scalars of each step's metrics, under the step's name, in the steps' order."""
    found = [one for one in artifacts if one.scalars and one.step in titles]
    order = list(titles)
    found.sort(key=lambda one: (order.index(one.step), one.execution, one.name))
    iterations: dict[str, list[str]] = {step: [] for step in titles}
    for one in found:
        if one.execution not in iterations[one.step]:
            iterations[one.step].append(one.execution)
    several = Counter((one.step, one.execution) for one in found)
    named: dict[str, Mapping[str, float]] = {}
    for one in found:
        name = titles[one.step]
        if len(iterations[one.step]) > 1:
            place = iterations[one.step].index(one.execution) + 1
            name += f" ({place} of {len(iterations[one.step])})"
        if several[one.step, one.execution] > 1:
            name += f", {one.name}"
        named[name] = dict(sorted(one.scalars.items()))
    return named


def read_text(uri: str) -> str:
    """Return the text of an object in the artifact store.

    Raises:
        UnreadableError: if the store refuses or can't be reached.
    """
    folder, _, name = uri.rpartition("/")
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "artifact"
        try:
            open_bucket(folder).download(name, file)
        except InputError as error:
            raise UnreadableError(str(error)) from None
        return file.read_text("utf-8", errors="replace")


def _list_store(run: Any, package: Package) -> list[Artifact]:
    """List `<pipeline root>/<pipeline>/<run>/<step>/<execution>/<artifact>`."""
    root = ((run.runtime_config and run.runtime_config.pipeline_root) or "").rstrip("/")
    if not root:
        raise UnreadableError(
            "the artifact store: the run names no pipeline root (`submit --pipeline-root`)"
        )
    folder = f"{root}/{package.name}/{run.run_id}"
    try:
        keys = open_bucket(folder).names()
    except InputError as error:
        raise UnreadableError(f"the artifact store: {error}") from None
    parts = [key.split("/") for key in keys]
    steps = package.steps()
    found = []
    for step, execution, name in (one for one in parts if len(one) == 3 and one[0] in steps):
        uri = f"{folder}/{step}/{execution}/{name}"
        scalars = _read(uri, int | float) if name in package.metrics(step) else {}
        texts = _read(uri, str) if name == CHANGES else {}
        found.append(Artifact(step, execution, name, uri, scalars, texts=texts))
    return found


def _read(uri: str, kind: Any) -> dict[str, Any]:
    """Return the values of a kind that a small JSON file holds."""
    try:
        content = json.loads(read_text(uri))
        return {name: one for name, one in content.items() if isinstance(one, kind)}
    except (ValueError, AttributeError):
        raise UnreadableError(f"the artifact store: {uri}: expected an object in JSON") from None
