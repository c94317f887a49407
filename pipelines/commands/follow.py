"""follow: show the progress and the result of a run on a cluster."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from components.shared.stage.command_line import parse_config
from components.shared.stage.settings import Positional, Switch
from pipelines.commands.cluster import ClusterSettings
from pipelines.compiled_package import Package
from pipelines.kubeflow.server import Cluster, server_errors

_REMEDY = "check the run's id, the namespace and your rights"
# By the run's state at its end.
_EXITS = {"SUCCEEDED": 0, "SKIPPED": 0, "FAILED": 1, "CANCELED": 3}
_EXIT_INTERRUPTED = 130


@dataclass(frozen=True, kw_only=True)
class FollowSettings(ClusterSettings):
    """Show the progress of a run until it ends, then the errors of failed steps, the steps that did
    not run, and the metrics.

    Exit status: 0 succeeded, 1 failed, 2 invalid input, 3 canceled, 130 interrupted.
    """

    run: Positional[str]
    """ID of the run, the last part of its link."""
    cancel_on_interrupt: Switch = False
    """Also cancel the run on Ctrl-C."""


def main(arguments: Sequence[str]) -> int:
    """Follow a run by its ID."""
    from pipelines.kubeflow.registry import find_package

    settings = parse_config(FollowSettings, arguments, prog="python -m pipelines follow")
    cluster = settings.connect()
    with server_errors(cluster, _REMEDY):
        package = find_package(cluster, cluster.client.get_run(settings.run))
    return show(cluster, settings.run, package, cancel_on_interrupt=settings.cancel_on_interrupt)


def show(cluster: Cluster, run_id: str, package: Package, *, cancel_on_interrupt: bool) -> int:
    """Follow a run and print what came of it; return the exit status of its state."""
    from pipelines.monitoring.ending import describe_end
    from pipelines.monitoring.progress import state_of
    from pipelines.monitoring.watch import follow, stand_by

    with server_errors(cluster, _REMEDY):
        last = stand_by(
            cluster,
            run_id,
            lambda: follow(cluster, run_id, package, sys.stdout),
            cancel_on_interrupt=cancel_on_interrupt,
        )
        if last is None:
            return _EXIT_INTERRUPTED
        describe_end(cluster, last, package)
    return _EXITS[state_of(last.run)]
