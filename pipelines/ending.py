"""What is told of a run that has ended: errors, what did not run, metrics, the link."""

import sys
from collections.abc import Mapping
from typing import Any

from pipelines.artifacts import UnreadableError, name_metrics, read_artifacts
from pipelines.cluster import Cluster
from pipelines.packages import Package
from pipelines.progress import NOT_RUN, Step, state_of
from pipelines.step_logs import explain_failure, find_failed_pods

# The first step of a retraining; the others run if it finds another dump than last time's.
_LOOK_FOR_DUMP = "look-for-dump"


def describe_end(cluster: Cluster, run: Any, steps: Mapping[str, Step], package: Package) -> None:
    """Print it; errors go to stderr."""
    if run.error and run.error.message:
        print(f"error: {run.error.message}", file=sys.stderr)
    if state_of(run) == "FAILED":
        _print_errors(cluster, run, package)
    for line in _describe_unrun(steps):
        print(line)
    _print_metrics(cluster, run, package)
    print(f"  {cluster.run_link(run.run_id)}")


def _print_errors(cluster: Cluster, run: Any, package: Package) -> None:
    titles = package.steps()
    pods = find_failed_pods(run, package)
    for pod in pods:
        text = explain_failure(cluster, run, package, pod)
        print(f"error: {titles[pod.step]}: {text}", file=sys.stderr, flush=True)
    if not pods:
        print(
            f"error: no step's pod failed; the UI shows what did: {cluster.run_link(run.run_id)}",
            file=sys.stderr,
        )


def _describe_unrun(steps: Mapping[str, Step]) -> list[str]:
    """Say which steps did not run, and why where it is no failure."""
    lines = []
    ran = [name for name, step in steps.items() if step.state not in (NOT_RUN, "SKIPPED")]
    if ran == [_LOOK_FOR_DUMP] and steps[_LOOK_FOR_DUMP].state == "SUCCEEDED":
        lines.append("nothing new: the dump is the one trained on last")
    cached = [step.title for step in steps.values() if step.is_cached]
    if cached:
        lines.append(f"taken from the cache, not run: {', '.join(cached)}")
    unrun = [step.title for name, step in steps.items() if name not in ran]
    if unrun:
        lines.append(f"not run: {', '.join(unrun)}")
    return lines


def _print_metrics(cluster: Cluster, run: Any, package: Package) -> None:
    try:
        metrics = name_metrics(read_artifacts(cluster, run, package), package.steps())
    except UnreadableError as error:
        print(
            f"the metrics can't be read here, see them in the UI, or give its address with --host "
            f"({error})",
            file=sys.stderr,
        )
        return
    for title, values in metrics.items():
        print(f"{title}:")
        for name, value in values.items():
            print(f"  {name}: {value:.4g}")
