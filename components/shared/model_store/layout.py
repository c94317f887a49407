"""How a model store names its files, and what its two JSON files hold.

    current.json                 the version in use, and those that were in use before it
    versions/NAME/model.json     provenance, scores, and the SHA-256 of each file beside it
    versions/NAME/...            the files of a version
    decisions/NAME.json          what became of a model that was to be released
    lineages/SHA256.json         the lineage.json of a version that was removed

The name of a version or decision is its time and a checksum, so that names sort by time.
"""

import json
import re
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import Any

from components.shared.errors import InputError
from components.shared.files.formats import decode_stamped, stamp

CURRENT, VERSIONS, MODEL_JSON = "current.json", "versions", "model.json"
DECISIONS, DECISION = "decisions", "decision"
LINEAGES, MODEL_LINEAGE = "lineages", "model/lineage.json"
_TIME = "%Y%m%dT%H%M%SZ"
_NAME = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}")


@dataclass(frozen=True)
class Pointer:
    """What current.json says."""

    version: str
    previous: tuple[str, ...] = ()
    """The versions that were in use before, the last one first."""

    def __post_init__(self) -> None:
        for name in (self.version, *self.previous):
            expect_version(name)

    def compose(self) -> str:
        """Return the file's text."""
        return json.dumps({**stamp(CURRENT), **asdict(self)}, indent=2) + "\n"


@dataclass(frozen=True)
class Description:
    """What the store itself needs of a version's model.json."""

    version: str
    files: dict[str, str]
    """SHA-256 of each other file of the version, by its path in the version's folder."""

    def __post_init__(self) -> None:
        expect_version(self.version)
        for name in self.files:
            path = PurePosixPath(name)
            if path.is_absolute() or ".." in path.parts:
                raise InputError(f"files: expected paths in the version's folder, got {name!r}")


@dataclass(frozen=True)
class NotedDecision:
    """What became of a model that was to be released."""

    decided: str
    """When, in ISO 8601 with the offset from UTC."""
    fingerprint: str
    """The model's."""
    version: str = ""
    """That it was released as; "" if it was held back."""
    scores: dict[str, float] = field(default_factory=dict)
    """The model's, in percent."""
    summary: str = ""
    """Why, for people."""

    def __post_init__(self) -> None:
        try:
            _ = self.time
        except ValueError:
            raise InputError(f"decided must be a date, got {self.decided!r}") from None

    def compose(self) -> str:
        """Return the file's text."""
        return json.dumps({**stamp(DECISION), **asdict(self)}, indent=2) + "\n"

    @property
    def time(self) -> datetime:
        """When it was decided, in UTC."""
        return datetime.fromisoformat(self.decided).astimezone(UTC)

    @property
    def name(self) -> str:
        """The name of its file, without the suffix."""
        return f"{self.time.strftime(_TIME)}-{self.fingerprint[:8]}"


def parse_description(text: str, *, source: str) -> tuple[Description, dict[str, Any]]:
    """Return what the store needs of a model.json, and all that it says.

    Raises:
        InputError: if it is not such a file.
    """
    remedy = "take another version"
    return (
        decode_stamped(text, Description, kind=MODEL_JSON, source=source, remedy=remedy),
        decode_stamped(text, dict[str, Any], kind=MODEL_JSON, source=source, remedy=remedy),
    )


def name_version(checksum: str) -> str:
    """Return the name of a version that is released now.

    Args:
        checksum: of what it holds, in hexadecimal.
    """
    return f"{datetime.now(UTC).strftime(_TIME)}-{checksum[:8]}"


def is_version(name: str) -> bool:
    """Whether a name is a version's."""
    return _NAME.fullmatch(name) is not None


def is_older(name: str, age: timedelta) -> bool:
    """Whether a version was named longer ago than `age`."""
    named = datetime.strptime(name.partition("-")[0], _TIME).replace(tzinfo=UTC)
    return datetime.now(UTC) - named > age


def expect_version(name: str) -> None:
    """Reject a name that is not a version's.

    Raises:
        InputError: showing the form of one that is.
    """
    if not is_version(name):
        raise InputError(
            f"version must be a name like 20261129T210000Z-1a2b3c4d, got {name!r}; "
            "`python -m pipelines models list` shows them"
        )
