"""Keeps two retrainings from working on the same record at once.

The first step of a run writes `RECORD.running` with the run's name; the step that every run ends
with removes it. A run that never reached that step, as its cluster was lost, leaves a claim that
is obsolete after a number of hours.
"""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from components.shared.files.documents import parse_time
from components.shared.files.formats import decode_stamped, stamp
from components.shared.storage.guarded_file import GuardedFile, open_guarded

_SUFFIX, _KIND = ".running", "record.running"


@dataclass(frozen=True)
class Claim:
    """Which run works on a record."""

    run: str
    since: str
    """In ISO 8601, with the offset from UTC."""

    def __post_init__(self) -> None:
        parse_time(self.since, "since")

    def is_older(self, age: timedelta) -> bool:
        """Whether the claim was made longer ago than `age`."""
        return datetime.now(UTC) - parse_time(self.since, "since") > age


def claim_record(record: str, run: str, *, max_hours: float) -> Claim | None:
    """Note that a run works on a record, unless another one does.

    Args:
        record: path or address of the record.
        run: what identifies the run; one that is retried finds its own claim.
        max_hours: age from which another run's claim is obsolete.

    Returns:
        The other run's claim; None if this run has the record.

    Raises:
        InputError: if the claim can't be read or written.
    """
    file = open_guarded(claim_of(record))
    while True:
        found = file.read()
        other = _parse(found[0], record) if found else None
        if other and other.run != run and not other.is_older(timedelta(hours=max_hours)):
            return other
        text = _compose(Claim(run, datetime.now(UTC).isoformat(timespec="seconds")))
        # Somebody else may have been faster: then look again.
        if file.replace(text, tag=found[1] if found else None):
            return None


def release_record(record: str, run: str) -> None:
    """Remove a run's claim, if it is still the run's own.

    Raises:
        InputError: if the claim can't be read or removed.
    """
    file: GuardedFile = open_guarded(claim_of(record))
    found = file.read()
    if found and _parse(found[0], record).run == run:
        file.remove()


def claim_of(record: str) -> str:
    """Return the path or address of the claim on a record."""
    return f"{record}{_SUFFIX}"


def _compose(claim: Claim) -> str:
    return json.dumps({**stamp(_KIND), **asdict(claim)}, indent=2) + "\n"


def _parse(text: str, record: str) -> Claim:
    return decode_stamped(
        text,
        Claim,
        kind=_KIND,
        source=claim_of(record),
        remedy="remove it if no run is under way",
    )
