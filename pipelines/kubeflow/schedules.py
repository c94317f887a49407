"""schedules.yaml: which pipelines run when, and when what old runs left is removed.

The form:

    format_version: 2              # may be left out
    schedules:
      - name: monthly
        pipeline: bert
        version: latest            # or a version's name
        cron: "0 0 3 2 * *"        # six fields, seconds first, in UTC
        experiment: retraining
        parameters: {dump: simplewiki-latest, squad_train: gs://bucket/train.json}
    clean:                         # may be left out; manifests/components/clean carries it out
      cron: "0 30 3 * * 0"
      root: gs://bucket/root

The fields are those of `Schedule` below, and of `CleanSchedule` in
pipelines/cleaning/clean_settings.py.
"""

import dataclasses
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from components.shared.errors import InputError
from components.shared.files.documents import describe, load_yaml
from components.shared.files.formats import NUMBER_KEY, expect_format
from pipelines.cleaning.clean_settings import CleanSchedule
from pipelines.kubeflow.cron import parse_cron

_Fields = TypeVar("_Fields")

LATEST = "latest"
_KIND, _CLEAN = "schedules.yaml", "clean"
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


@dataclass(frozen=True)
class ScheduleFile:
    """What the file says."""

    schedules: Sequence[Schedule]
    clean: CleanSchedule | None
    """None if it has no such section."""


def read_schedules(path: Path) -> ScheduleFile:
    """Read the file.

    Raises:
        InputError: naming the schedule and the field that is wrong.
    """
    document = load_yaml(path, dict[str, Any])
    expect_format(document, _KIND, source=str(path))
    if document.keys() - {NUMBER_KEY, _CLEAN} != {"schedules"}:
        raise InputError(
            f"{path}: expected a key `schedules` with a list, and at most `{_CLEAN}` and "
            f"`{NUMBER_KEY}` beside it"
        )
    entries = document["schedules"] or []
    if not isinstance(entries, list):
        raise InputError(f"{path}: `schedules` must be a list; `schedules: []` removes all")
    schedules = [
        _parse_schedule(entry, f"{path}: schedule {n}") for n, entry in enumerate(entries, 1)
    ]
    _expect_distinct(path, schedules)
    section = document.get(_CLEAN)
    clean = None if section is None else _parse_clean(section, f"{path}: {_CLEAN}")
    return ScheduleFile(schedules, clean)


def _parse_schedule(entry: Any, label: str) -> Schedule:
    if isinstance(entry, dict) and isinstance(entry.get("name"), str):
        label = f"{label} ({entry['name']})"
    schedule = _parse(entry, Schedule, ("name", "pipeline", "cron"), label)
    # Here, as a recurring run that somebody changed on the cluster may hold anything.
    try:
        parse_cron(schedule.cron)
    except InputError as error:
        raise InputError(f"{label}: {error}") from None
    if not _LEAST_CONCURRENCY <= schedule.max_concurrency <= _MOST_CONCURRENCY:
        raise InputError(
            f"{label}: max_concurrency must be {_LEAST_CONCURRENCY} to {_MOST_CONCURRENCY}, got "
            f"{schedule.max_concurrency}"
        )
    return schedule


def _parse_clean(entry: Any, label: str) -> CleanSchedule:
    return _parse(entry, CleanSchedule, ("cron", "root"), label)


def _parse(entry: Any, shape: type[_Fields], required: Sequence[str], label: str) -> _Fields:
    """Return a dataclass of the fields that a table gives."""
    if not isinstance(entry, dict):
        *others, last = required
        raise InputError(f"{label}: expected fields such as {', '.join(others)} and {last}")
    kinds = {name: typing.get_origin(hint) or hint for name, hint in _list_hints(shape).items()}
    unknown = [str(name) for name in entry if name not in kinds]
    if unknown:
        raise InputError(f"{label}: unknown field {unknown[0]!r}; known are {', '.join(kinds)}")
    missing = [name for name in required if _is_blank(entry.get(name))]
    if missing:
        raise InputError(f"{label}: {missing[0]} is missing")
    values = {}
    for name, value in entry.items():
        kind, said = _KINDS[kinds[name]]
        if (
            not isinstance(value, kind)
            or (kind is int and isinstance(value, bool))
            or (kind is list and not all(isinstance(item, str) for item in value))
        ):
            raise InputError(f"{label}: {name} must be {said}, got {describe(value)}")
        values[name] = tuple(value) if kind is list else value
    try:
        return shape(**values)
    except InputError as error:
        raise InputError(f"{label}: {error}") from None


def _list_hints(shape: type) -> dict[str, Any]:
    """Return the types of a dataclass's fields, in their order."""
    hints = typing.get_type_hints(shape)
    return {one.name: hints[one.name] for one in dataclasses.fields(shape)}


def _is_blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


# By the type of a field: what it is in YAML, and how messages call that.
_KINDS: Mapping[Any, tuple[Any, str]] = {
    str: (str, "text"),
    int: (int, "a whole number"),
    bool: (bool, "true or false"),
    Mapping: (dict, "a table"),
    tuple: (list, "a list of texts"),
}


def _expect_distinct(path: Path, schedules: Sequence[Schedule]) -> None:
    names = [schedule.name for schedule in schedules]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{path}: two schedules are named {name}; give each its own name")
