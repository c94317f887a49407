"""runs: list the runs on a cluster."""

import argparse
import datetime
import json
from pathlib import Path
from typing import Any

from components.shared.errors import InputError
from pipelines.kubeflow.server import Cluster, add_flags, connect, server_errors


def add_parser(commands: Any) -> None:
    """Add the command's flags."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "runs", help="list the runs on a cluster, newest first"
    )
    parser.add_argument("--experiment", default="", help="list only the runs of this experiment")
    parser.add_argument(
        "--limit", type=int, default=20, help="maximum number of runs (default: 20)"
    )
    parser.add_argument("--format", choices=("text", "json"), default="text")
    add_flags(parser)
    parser.set_defaults(function=list_runs)


def list_runs(
    experiment: str,
    limit: int,
    format: str,  # noqa: A002 - one name all the way
    host: str,
    namespace: str | None,
    token_file: Path | None,
) -> int:
    """Print name, state, when it began, how long it took, and the link."""
    if limit < 1:
        raise InputError(f"--limit must be at least 1, got {limit}")
    cluster = connect(host, namespace, token_file)
    with server_errors(cluster, "check the namespace and your rights"):
        rows = [_describe(cluster, run) for run in _fetch(cluster, experiment, limit)]
    if format == "json":
        print(json.dumps(rows, indent=2))
        return 0
    titles = {"name": "NAME", "state": "STATE", "created": "CREATED", "duration": "DURATION"}
    table = [titles | {"link": "LINK"}, *rows]
    widths = {key: max(len(row[key]) for row in table) for key in titles}
    for row in table:
        print("  ".join(f"{row[key]:<{widths[key]}}" for key in titles) + f"  {row['link']}")
    return 0


def _fetch(cluster: Cluster, experiment: str, limit: int) -> list[Any]:
    runs: list[Any] = []
    experiment_id = None
    if experiment:
        try:
            found = cluster.client.get_experiment(
                experiment_name=experiment, namespace=cluster.namespace
            )
        except ValueError:
            raise InputError(f"{cluster.host} has no experiment {experiment!r}") from None
        experiment_id = found.experiment_id
    token = ""
    while len(runs) < limit:
        page = cluster.client.list_runs(
            page_token=token,
            page_size=min(limit, 100),
            sort_by="created_at desc",
            experiment_id=experiment_id,
            namespace=cluster.namespace,
        )
        runs += page.runs or ()
        token = page.next_page_token
        if not token:
            break
    return runs[:limit]


def _describe(cluster: Cluster, run: Any) -> dict[str, str]:
    from pipelines.monitoring.executions import known_time
    from pipelines.monitoring.progress import duration, state_in_words, state_of

    end = known_time(run.finished_at) or datetime.datetime.now(datetime.UTC)
    return {
        "id": run.run_id,
        "name": run.display_name,
        "state": state_in_words(state_of(run)),
        "created": f"{run.created_at.astimezone(datetime.UTC):%Y-%m-%d %H:%M} UTC",
        "duration": duration((end - run.created_at).total_seconds()),
        "link": cluster.run_link(run.run_id),
    }
