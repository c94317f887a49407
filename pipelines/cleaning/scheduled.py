"""Cleans at the times that schedules.yaml says.

Kubeflow's recurring runs can't do it: the pods of their steps get no token for its API, on purpose.
So a job that starts often asks each time whether a clean is due. Nobody has to write the times of
schedules.yaml into a Kubernetes object, which would take rights to make any pod.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from pipelines.cleaning.clean_settings import CleanSchedule
from pipelines.cleaning.last_clean import note_clean, read_last_clean
from pipelines.cleaning.removal import Say, clean
from pipelines.kubeflow.server import Cluster


def clean_if_due(schedule: CleanSchedule, connect: Callable[[], Cluster], say: Say) -> None:
    """Clean if a time of `cron` has come since the last clean ended; otherwise say what that did.

    Times that were missed count once. Without a last clean, the times count from now on: what
    somebody has only just scheduled removes nothing yet.

    Raises:
        InputError: if something can't be read; the clean then stays due.
    """
    if schedule.paused:
        say(f"paused: the clean at {schedule.describe_time()}")
        return
    now, last = datetime.now(UTC), read_last_clean(schedule.root)
    if last is None:
        note_clean(schedule.root, now, ())
        say(f"not due: the first clean is the next at {schedule.describe_time()}")
        return
    if not schedule.is_due(since=last.time, now=now):
        say(
            f"not due: {schedule.describe_time()} has not come since {last.time:%Y-%m-%d %H:%M} UTC"
        )
        for line in last.lines:
            say(f"    {line}")
        return
    lines: list[str] = []

    def keep(line: str) -> None:
        lines.append(line)
        say(line)

    clean(schedule, connect, keep)
    note_clean(schedule.root, datetime.now(UTC), lines)


def preview_clean(schedule: CleanSchedule, connect: Callable[[], Cluster], say: Say) -> None:
    """Say what a clean would remove now, due or not.

    Raises:
        InputError: if something can't be read.
    """
    clean(replace(schedule, dry_run=True), connect, say)
