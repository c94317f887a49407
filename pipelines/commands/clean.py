"""clean: remove what finished runs left in storage."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from components.shared.stage.command_line import parse_config
from pipelines.cleaning.clean_settings import Cleaning
from pipelines.commands.cluster import ClusterSettings


@dataclass(frozen=True, kw_only=True)
class CleanSettings(Cleaning, ClusterSettings):
    """Remove the artifacts of finished runs of this project's pipelines, and on a cluster their
    records.

    Whatever a remaining run, a recurring run or a model version refers to is kept. The command
    first prints what goes, what stays and why. `schedule clean` runs it at the times of
    schedules.yaml.
    """

    root: str = "runs"
    """Where the runs keep their artifacts: a folder of this machine, or a cluster's pipeline root
    (gs://, s3:// or minio://), which needs --host."""


def main(arguments: Sequence[str]) -> int:
    """Choose, print, and remove."""
    from pipelines.cleaning.removal import clean

    settings = parse_config(CleanSettings, arguments, prog="python -m pipelines clean")
    clean(settings, settings.connect, partial(print, flush=True))
    return 0
