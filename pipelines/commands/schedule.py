"""schedule: make a cluster's recurring runs what a file says."""

import argparse
from pathlib import Path
from typing import Any

from components.shared.errors import InputError


def add_parser(commands: Any) -> None:
    """Its flags."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "schedule", help="make a cluster's recurring runs what a file says"
    )
    parser.add_argument("action", choices=("apply",))
    parser.add_argument(
        "--file", type=Path, default=Path("schedules.yaml"), help="the list of schedules"
    )
    parser.add_argument("--host", required=True, help="address of the KFP API server or UI")
    parser.add_argument("--namespace", help="of the runs, where Kubeflow has several users")
    parser.add_argument("--dry-run", action="store_true", help="show the difference only")
    parser.set_defaults(function=apply_schedules)


def apply_schedules(
    action: str, file: Path, host: str, namespace: str | None, dry_run: bool
) -> int:
    """Show what differs, and change it."""
    from kfp_server_api import ApiException

    from pipelines.recurring_runs import RecurringRuns, connect
    from pipelines.schedules import read_schedules

    assert action == "apply"
    wanted = read_schedules(file)
    cluster = RecurringRuns(connect(host, namespace), namespace)
    try:
        changes = cluster.plan(wanted)
        for change in changes:
            print("\n".join(change.lines()))
            if not dry_run:
                cluster.apply(change)
    except ApiException as error:
        raise InputError(
            f"{host}: the server answers {error.status} {error.reason}: {error.body}; check the "
            "namespace and your rights, and apply the file again"
        ) from None
    if not changes:
        print(f"nothing to do: the cluster has the {len(wanted)} schedules as the file says")
    elif dry_run:
        print(f"{len(changes)} to change; nothing was changed")
    return 0
