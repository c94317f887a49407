"""follow: show how a run on a cluster goes, and how it ended."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipelines.cluster import Cluster, add_flags, connect, server_errors

_REMEDY = "check the run's id, the namespace and your rights"
# By the run's state at its end.
_EXITS = {"SUCCEEDED": 0, "SKIPPED": 0, "FAILED": 1, "CANCELED": 3}
_EXIT_INTERRUPTED = 130


def add_parser(commands: Any) -> None:
    """Its flags."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "follow",
        help="show how a run on a cluster goes",
        description="Show how a run goes until it ends, and its metrics. Exit status: 0 "
        "succeeded, 1 failed, 3 cancelled, 130 interrupted.",
    )
    parser.add_argument("run", help="the run's id, the last part of its link")
    add_flags(parser)
    parser.add_argument(
        "--cancel-on-interrupt", action="store_true", help="Ctrl-C cancels the run too"
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
    from pipelines.packages import parse_version

    cluster = connect(host, namespace, token_file)
    with server_errors(cluster, _REMEDY):
        found = cluster.client.get_run(run)
        reference = found.pipeline_version_reference
        document = found.pipeline_spec
        if not document and reference is not None:
            version = cluster.client.get_pipeline_version(
                reference.pipeline_id, reference.pipeline_version_id
            )
            document = version.pipeline_spec
    steps = parse_version(document).steps() if document else {}
    return show(cluster, run, steps, cancel_on_interrupt=cancel_on_interrupt)


def show(
    cluster: Cluster, run_id: str, steps: Mapping[str, str], *, cancel_on_interrupt: bool
) -> int:
    """Follow a run and print what came of it; returns the exit status of its state."""
    from pipelines.following import follow, stand_by

    with server_errors(cluster, _REMEDY):
        run = stand_by(
            cluster,
            run_id,
            lambda: follow(cluster, run_id, steps, sys.stdout),
            cancel_on_interrupt=cancel_on_interrupt,
        )
    if run is None:
        return _EXIT_INTERRUPTED
    if run.error and run.error.message:
        print(f"error: {run.error.message}", file=sys.stderr)
    _print_metrics(cluster, run_id)
    print(f"  {cluster.run_link(run_id)}")
    return _EXITS[run.state]


def _print_metrics(cluster: Cluster, run_id: str) -> None:
    from pipelines.metadata import MetadataError, fetch_metrics

    try:
        metrics = fetch_metrics(cluster, run_id)
    except MetadataError as error:
        print(f"the metrics can't be read here, see them in the UI ({error})", file=sys.stderr)
        return
    for artifact, values in metrics.items():
        print(f"{artifact}:")
        for name, value in values.items():
            print(f"  {name}: {value:.4g}")
