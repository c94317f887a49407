"""schedule: make a cluster's recurring runs match a file."""

import argparse
from pathlib import Path
from typing import Any

from pipelines.kubeflow.server import add_flags, connect, server_errors


def add_parser(commands: Any) -> None:
    """Add the command's flags."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "schedule", help="make a cluster's recurring runs match a file"
    )
    parser.add_argument("action", choices=("apply",))
    parser.add_argument(
        "--file", type=Path, default=Path("schedules.yaml"), help="file that lists the schedules"
    )
    add_flags(parser)
    parser.add_argument(
        "--dry-run", action="store_true", help="show the differences without changing anything"
    )
    parser.set_defaults(function=apply_schedules)


def apply_schedules(
    action: str,
    file: Path,
    host: str,
    namespace: str | None,
    token_file: Path | None,
    dry_run: bool,
) -> int:
    """Show the differences and apply them."""
    from pipelines.kubeflow.recurring_runs import RecurringRuns
    from pipelines.kubeflow.schedules import read_schedules

    assert action == "apply"
    wanted = read_schedules(file)
    cluster = connect(host, namespace, token_file)
    with server_errors(cluster, "check the namespace and your rights, and apply the file again"):
        recurring_runs = RecurringRuns(cluster)
        changes = recurring_runs.plan(wanted)
        for change in changes:
            print("\n".join(change.lines()))
            if not dry_run:
                recurring_runs.apply(change)
    if not changes:
        print(f"nothing to do: the cluster has the {len(wanted)} schedules as the file says")
    elif dry_run:
        print(f"{len(changes)} to change; nothing was changed")
    return 0
