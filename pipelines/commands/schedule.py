"""schedule: make a cluster's recurring runs match a file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from components.shared.stage.command_line import parse_config
from components.shared.stage.settings import Positional, Switch
from pipelines.commands.cluster import ClusterSettings
from pipelines.kubeflow.server import server_errors


@dataclass(frozen=True, kw_only=True)
class ScheduleSettings(ClusterSettings):
    """Make a cluster's recurring runs match a file."""

    action: Positional[Literal["apply"]]
    """apply: make, change and delete recurring runs as the file says."""
    file: Path = Path("schedules.yaml")
    """File that lists the schedules."""
    dry_run: Switch = False
    """Show the differences without changing anything."""


def main(arguments: Sequence[str]) -> int:
    """Show the differences and apply them."""
    from pipelines.kubeflow.recurring_runs import RecurringRuns
    from pipelines.kubeflow.schedules import read_schedules

    settings = parse_config(ScheduleSettings, arguments, prog="python -m pipelines schedule")
    wanted = read_schedules(settings.file)
    cluster = settings.connect()
    with server_errors(cluster, "check the namespace and your rights, and apply the file again"):
        recurring_runs = RecurringRuns(cluster)
        changes = recurring_runs.plan(wanted)
        for change in changes:
            print("\n".join(change.lines()))
            if not settings.dry_run:
                recurring_runs.apply(change)
    if not changes:
        print(f"nothing to do: the cluster has the {len(wanted)} schedules as the file says")
    elif settings.dry_run:
        print(f"{len(changes)} to change; nothing was changed")
    return 0
