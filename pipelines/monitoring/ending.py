"""Report how a run ended: errors, steps that did not run, metrics, the link."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from components.shared.files.text import format_number
from pipelines.compiled_package import Package
from pipelines.kubeflow.server import Cluster
from pipelines.monitoring.executions import ENDED, UnreadableError
from pipelines.monitoring.progress import NOT_RUN, Step, state_of
from pipelines.monitoring.run_artifacts import CHANGES, Artifact, name_metrics, read_artifacts
from pipelines.monitoring.step_logs import explain_failure
from pipelines.monitoring.watch import Look

# The first step of a retraining; the others run if it finds other data than last time's. The
# message on the run's end is sent whatever it finds.
_LOOK_FOR_DUMP, _NOTIFY = "look-for-dump", "notify"


def describe_end(cluster: Cluster, last: Look, package: Package) -> None:
    """Print the end of a run; errors go to stderr."""
    run = last.run
    if run.error and run.error.message:
        print(f"error: {run.error.message}", file=sys.stderr)
    if state_of(run) == "FAILED":
        _print_errors(cluster, last, package)
    artifacts, problem = _try_to_read(cluster, run, package)
    for line in _describe_unrun(last.steps, artifacts):
        print(line)
    if problem:
        print(
            f"the metrics can't be read from here; see the UI, or give its address with --host "
            f"({problem})",
            file=sys.stderr,
        )
    _print_metrics(artifacts, package)
    print(f"  {cluster.run_link(run.run_id)}")


def _try_to_read(cluster: Cluster, run: Any, package: Package) -> tuple[list[Artifact], str]:
    """Return the run's artifacts, and why they can't be read if they can't."""
    try:
        return read_artifacts(cluster, run, package), ""
    except UnreadableError as error:
        return [], str(error)


def _print_errors(cluster: Cluster, last: Look, package: Package) -> None:
    failed = [one for one in last.executions if one.state == "FAILED"]
    for execution in failed:
        text = explain_failure(cluster, last.run, package, execution)
        print(f"error: {last.steps[execution.step].title}: {text}", file=sys.stderr, flush=True)
    if not failed:
        link = cluster.run_link(last.run.run_id)
        print(f"error: no step failed; the UI shows what did: {link}", file=sys.stderr)


def _describe_unrun(steps: Mapping[str, Step], artifacts: Sequence[Artifact]) -> list[str]:
    """Say which steps did not run, and why, where that is not a failure."""
    lines = []
    ran = [name for name, step in steps.items() if step.state not in (NOT_RUN, "SKIPPED")]
    if set(ran) - {_NOTIFY} == {_LOOK_FOR_DUMP} and steps[_LOOK_FOR_DUMP].state == "SUCCEEDED":
        said = (one.texts.get("summary") for one in artifacts if one.name == CHANGES)
        lines.append(next(filter(None, said), "nothing new: the data is that trained on last"))
    cached = [step.title for step in steps.values() if step.is_cached]
    if cached:
        lines.append(f"taken from the cache, not run: {', '.join(cached)}")
    if any(not step.has_ended for step in steps.values()):
        open_ends = [step.title for step in steps.values() if step.state not in ENDED]
        lines.append(
            "the end of these steps can't be read from here; give --host the address of "
            f"Kubeflow's UI: {', '.join(open_ends)}"
        )
        return lines
    unrun = [step.title for name, step in steps.items() if name not in ran]
    if unrun:
        lines.append(f"not run: {', '.join(unrun)}")
    return lines


def _print_metrics(artifacts: list[Artifact], package: Package) -> None:
    for title, values in name_metrics(artifacts, package.steps()).items():
        print(f"{title}:")
        for name, value in values.items():
            print(f"  {name}: {format_number(value)}")
