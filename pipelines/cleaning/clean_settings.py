"""What goes, what stays and when: the settings of `clean`, and its section in schedules.yaml."""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from components.shared.errors import InputError
from components.shared.stage.settings import Repeatable, Switch
from components.shared.storage.locations import SCHEMES
from pipelines.ages import parse_age
from pipelines.kubeflow.cron import parse_cron


@dataclass(frozen=True, kw_only=True)
class Cleaning:
    """Which runs go, and what keeps them."""

    root: str
    """Where the runs keep their artifacts: a folder of this machine, or a cluster's pipeline root
    (gs://, s3:// or minio://), which needs --host."""
    keep_runs: int = 3
    """Newest runs of each pipeline to keep."""
    older_than: str = "30d"
    """Keep what was changed within this time: 30d or 12h."""
    model_store: Repeatable[tuple[str, ...]] = ()
    """Model stores whose versions may refer to runs. May be repeated."""
    scratch: Repeatable[tuple[str, ...]] = ()
    """Folders or bucket URLs that hold a checkpoint_directory or download_directory per run; those
    that are old and that nothing refers to are removed too. May be repeated."""
    versions: Switch = False
    """On a cluster, also remove old versions of this project's pipelines that no recorded run and
    no recurring run uses. The newest of each pipeline stays."""
    dry_run: Switch = False
    """Only print what would go."""

    def __post_init__(self) -> None:
        """Expect a number of runs and an age."""
        if self.keep_runs < 0:
            raise InputError(f"keep_runs must be 0 or more, got {self.keep_runs}")
        parse_age(self.older_than, "older_than")


@dataclass(frozen=True, kw_only=True)
class CleanSchedule(Cleaning):
    """The section `clean` of schedules.yaml."""

    cron: str
    """As that of a schedule, in the time zone."""
    time_zone: str = "UTC"
    """A name of the IANA's, such as Europe/Berlin."""
    paused: bool = False

    def __post_init__(self) -> None:
        """Expect places that a pod can reach, and a time."""
        super().__post_init__()
        places = [("root", self.root)]
        places += [("model_store", one) for one in self.model_store]
        places += [("scratch", one) for one in self.scratch]
        for name, place in places:
            if not place.startswith(SCHEMES):
                raise InputError(
                    f"{name} must be in a bucket (gs://, s3:// or minio://), got {place!r}"
                )
        parse_cron(self.cron)
        _find_zone(self.time_zone)

    def is_due(self, *, since: datetime, now: datetime) -> bool:
        """Whether a time of `cron` has come since then."""
        zone = _find_zone(self.time_zone)
        after, until = (
            one.astimezone(zone).replace(tzinfo=None, microsecond=0) for one in (since, now)
        )
        return parse_cron(self.cron).comes_between(after, until)

    def describe_time(self) -> str:
        """Return its time as messages say it."""
        return f"{self.cron} {self.time_zone}"


def find_limit(rules: Cleaning) -> datetime:
    """Return the time from which changes keep what was changed."""
    return datetime.now(UTC) - parse_age(rules.older_than, "older_than")


def _find_zone(name: str) -> tzinfo:
    if name == "UTC":  # also on a machine without time zones
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InputError(
            f"time_zone must be UTC or a name that this machine knows, such as Europe/Berlin, got "
            f"{name!r}"
        ) from None
