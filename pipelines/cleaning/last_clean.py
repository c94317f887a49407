"""When a pipeline root was cleaned last, as a file in the root says.

The job on the cluster thereby needs no right in Kubernetes to remember it, and whoever starts it
anew elsewhere finds it: a suspended cluster that comes back cleans once.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from components.shared.files.documents import parse_time
from components.shared.files.formats import decode_stamped, stamp
from components.shared.storage.guarded_file import open_guarded

_NAME = "bert-clean.json"
_REMEDY = "remove it: cleaning then starts with the next time of `cron`"


@dataclass(frozen=True)
class LastClean:
    """The end of the last clean."""

    since: str
    """In ISO 8601, with the offset from UTC: from then on, `cron` counts."""
    lines: tuple[str, ...] = ()
    """What it printed, as a job that finds nothing due takes the place of the one that did it;
    empty if the root was never cleaned."""

    def __post_init__(self) -> None:
        """Expect a date."""
        parse_time(self.since, "since")

    @property
    def time(self) -> datetime:
        """`since` as a time."""
        return parse_time(self.since, "since")


def read_last_clean(root: str) -> LastClean | None:
    """Read when a root was cleaned last; None if it was never noted.

    Raises:
        InputError: if it can't be read.
    """
    found = open_guarded(_name(root)).read()
    if found is None:
        return None
    return decode_stamped(found[0], LastClean, kind=_NAME, source=_name(root), remedy=_REMEDY)


def note_clean(root: str, ended: datetime, lines: Sequence[str]) -> None:
    """Write the file of a root.

    Raises:
        InputError: if it can't be written.
    """
    file = open_guarded(_name(root))
    found = file.read()
    last = LastClean(ended.isoformat(timespec="seconds"), tuple(lines))
    text = json.dumps({**stamp(_NAME), **asdict(last)}, indent=2, ensure_ascii=False) + "\n"
    # If it is not as it was, another clean has ended meanwhile, whose word is as good.
    file.replace(text, tag=found[1] if found else None)


def _name(root: str) -> str:
    return f"{root.rstrip('/')}/{_NAME}"
