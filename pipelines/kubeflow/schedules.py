"""schedules.yaml: which pipelines run when, as a file in git says it.

The form:

    schedules:
      - name: monthly
        pipeline: bert
        version: latest            # or a version's name
        cron: "0 0 3 2 * *"        # six fields, seconds first, in UTC
        experiment: retraining
        parameters: {dump: simplewiki-latest, squad_train: gs://bucket/train.json}
"""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from components.shared.errors import InputError
from components.shared.text import replace_surrogates

LATEST = "latest"
_CRON_FIELDS = 6
_CRON_FIELD = re.compile(r"[\d*/,\-?A-Za-z]+")
_CRON_NAMES = {
    "month": ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
    "day of the week": ["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
}
# Those of robfig/cron, which Kubeflow's controller reads them with: Sunday is 0, not 7.
_CRON_RANGES = (
    ("seconds", 0, 59),
    ("minutes", 0, 59),
    ("hours", 0, 23),
    ("day of the month", 1, 31),
    ("month", 1, 12),
    ("day of the week", 0, 6),
)
# What the backend takes; it would put other values at the nearest of these.
_LEAST_CONCURRENCY, _MOST_CONCURRENCY = 1, 10


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """One pipeline run again and again."""

    name: str
    pipeline: str
    """Its name on the cluster."""
    cron: str
    """Seconds, minutes, hours, day of the month, month, day of the week; UTC."""
    version: str = LATEST
    """A version's name; latest is the newest each time."""
    experiment: str = "Default"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    pipeline_root: str = ""
    """Where artifacts go; "" is the cluster's default."""
    service_account: str = ""
    max_concurrency: int = 1
    """Runs at a time; a trigger beyond waits."""
    catchup: bool = False
    """Whether triggers missed while it was paused run later."""
    paused: bool = False


def read_schedules(path: Path) -> list[Schedule]:
    """Read the file.

    Raises:
        InputError: naming the schedule and the field that is wrong.
    """
    try:
        document = replace_surrogates(yaml.safe_load(path.read_text("utf-8")))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; give the file that lists the schedules") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not YAML: {error}") from None
    if not isinstance(document, dict) or document.keys() != {"schedules"}:
        raise InputError(f"{path}: expected one key, `schedules`, with a list")
    entries = document["schedules"] or []
    if not isinstance(entries, list):
        raise InputError(f"{path}: `schedules` must be a list; `schedules: []` removes all")
    schedules = [_parse(entry, f"{path}: schedule {n}") for n, entry in enumerate(entries, 1)]
    _expect_distinct(path, schedules)
    return schedules


def _parse(entry: Any, label: str) -> Schedule:
    if not isinstance(entry, dict):
        raise InputError(f"{label}: expected fields such as name, pipeline and cron")
    label = f"{label} ({entry['name']})" if "name" in entry else label
    fields = {one.name: one for one in dataclasses.fields(Schedule)}
    unknown = [str(name) for name in entry if name not in fields]
    if unknown:
        raise InputError(f"{label}: unknown field {unknown[0]!r}; known are {', '.join(fields)}")
    missing = [name for name in ("name", "pipeline", "cron") if not entry.get(name)]
    if missing:
        raise InputError(f"{label}: {missing[0]} is missing")
    for name, value in entry.items():
        kind = _KINDS.get(name, str)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise InputError(f"{label}: {name} must be {_SAID[kind]}, got {value!r}")
    _check_cron(entry["cron"], label)
    concurrency = entry.get("max_concurrency", _LEAST_CONCURRENCY)
    if not _LEAST_CONCURRENCY <= concurrency <= _MOST_CONCURRENCY:
        raise InputError(f"{label}: max_concurrency must be 1 to 10, got {concurrency}")
    return Schedule(**entry)


_KINDS: Mapping[str, type] = {
    "parameters": dict,
    "max_concurrency": int,
    "catchup": bool,
    "paused": bool,
}
_SAID = {dict: "a table", int: "a whole number", bool: "true or false", str: "a text"}


def _check_cron(cron: str, label: str) -> None:
    parts = cron.split()
    if len(parts) == _CRON_FIELDS - 1:
        raise InputError(
            f"{label}: cron {cron!r} has five fields; Kubeflow's has six, seconds first: '0 {cron}'"
        )
    if len(parts) != _CRON_FIELDS or not all(map(_CRON_FIELD.fullmatch, parts)):
        raise InputError(
            f"{label}: cron {cron!r} is none; six fields: seconds, minutes, hours, day of the "
            "month, month, day of the week, such as '0 0 3 2 * *'"
        )
    for part, (name, least, most) in zip(parts, _CRON_RANGES, strict=True):
        for word in re.findall(r"[A-Za-z]+", part):
            names = _CRON_NAMES.get(name, [])
            if word.lower() not in names:
                known = f"a number or one of {', '.join(names)}" if names else "a number"
                raise InputError(f"{label}: cron {cron!r}: {name} must be {known}, got {word!r}")
        # What follows a slash is a step.
        for number in re.findall(r"(?<![/\d])\d+", part):
            if not least <= int(number) <= most:
                raise InputError(
                    f"{label}: cron {cron!r}: {name} must be {least} to {most}, got {number}"
                )


def _expect_distinct(path: Path, schedules: Sequence[Schedule]) -> None:
    names = [schedule.name for schedule in schedules]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{path}: two schedules are named {name}; give each its own name")
