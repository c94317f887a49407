"""schedule: make a cluster's recurring runs match a file, and clean when it says so."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from components.shared.stage.command_line import parse_config
from components.shared.stage.settings import Positional, Switch
from pipelines.cleaning.clean_settings import CleanSchedule
from pipelines.commands.cluster import ClusterSettings
from pipelines.kubeflow.schedules import Schedule, read_schedules
from pipelines.kubeflow.server import server_errors

_REMEDY = "check the namespace and your rights, and apply the file again"


@dataclass(frozen=True, kw_only=True)
class ScheduleSettings(ClusterSettings):
    """Make a cluster's recurring runs match a file, and clean when it says so."""

    action: Positional[Literal["apply", "clean"]]
    """apply: make, change and delete recurring runs as the file says. clean: remove what old runs
    left, as the file's section `clean` says, if its time has come since the last time; the CronJob
    of manifests/components/clean runs this."""
    file: Path = Path("schedules.yaml")
    """File that lists the schedules."""
    dry_run: Switch = False
    """Show the differences, or what a clean would remove now, without changing anything."""


def main(arguments: Sequence[str]) -> int:
    """Carry out an action with a file."""
    settings = parse_config(ScheduleSettings, arguments, prog="python -m pipelines schedule")
    file = read_schedules(settings.file)
    if settings.action == "clean":
        _clean(file.clean, settings)
        return 0
    _apply(file.schedules, settings)
    if file.clean is not None:
        verb = "paused" if file.clean.paused else f"at {file.clean.describe_time()}"
        print(f"clean: {verb}; the CronJob of manifests/components/clean does it, not this command")
    return 0


def _apply(wanted: Sequence[Schedule], settings: ScheduleSettings) -> None:
    """Show the differences and apply them."""
    from pipelines.kubeflow.recurring_runs import RecurringRuns

    cluster = settings.connect()
    with server_errors(cluster, _REMEDY):
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


def _clean(schedule: CleanSchedule | None, settings: ScheduleSettings) -> None:
    from pipelines.cleaning.scheduled import clean_if_due, preview_clean

    if schedule is None:
        print(f"nothing to do: {settings.file} has no section `clean`")
        return
    carry_out = preview_clean if settings.dry_run else clean_if_due
    carry_out(schedule, settings.connect, partial(print, flush=True))
