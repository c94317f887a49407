"""follow: show the progress and the result of a run on a cluster."""

import argparse
import sys
from pathlib import Path
from typing import Any

from pipelines.compiled_package import Package
from pipelines.kubeflow.server import Cluster, add_flags, connect, server_errors

_REMEDY = "check the run's id, the namespace and your rights"
# By the run's state at its end.
_EXITS = {"SUCCEEDED": 0, "SKIPPED": 0, "FAILED": 1, "CANCELED": 3}
_EXIT_INTERRUPTED = 130


def add_parser(commands: Any) -> None:
    """Add the command's flags."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "follow",
        help="show the progress and the result of a run on a cluster",
        description="Show the progress of a run until it ends, then the errors of failed steps, "
        "the steps that did not run, and the metrics. Exit status: 0 succeeded, 1 failed, "
        "3 canceled, 130 interrupted.",
    )
    parser.add_argument("run", help="ID of the run, the last part of its link")
    add_flags(parser)
    parser.add_argument(
        "--cancel-on-interrupt", action="store_true", help="also cancel the run on Ctrl-C"
    )
    parser.set_defaults(function=follow_run)


def follow_run(
    run: str,
    host: str,
    namespace: str | None,
    token_file: Path | None,
    cancel_on_interrupt: bool,
) -> int:
    """Follow it by its id."""
    from pipelines.kubeflow.registry import find_package

    cluster = connect(host, namespace, token_file)
    with server_errors(cluster, _REMEDY):
        package = find_package(cluster, cluster.client.get_run(run))
    return show(cluster, run, package, cancel_on_interrupt=cancel_on_interrupt)


def show(cluster: Cluster, run_id: str, package: Package, *, cancel_on_interrupt: bool) -> int:
    """Follow a run and print what came of it; return the exit status of its state."""
    from pipelines.monitoring.ending import describe_end
    from pipelines.monitoring.following import follow, stand_by
    from pipelines.monitoring.progress import state_of

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
