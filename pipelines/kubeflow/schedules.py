"""schedules.yaml: which pipelines run when, as a file in git says it.

The form:

    format_version: 1              # may be left out
    schedules:
      - name: monthly
        pipeline: bert
        version: latest            # or a version's name
        cron: "0 0 3 2 * *"        # six fields, seconds first, in UTC
        experiment: retraining
        parameters: {dump: simplewiki-latest, squad_train: gs://bucket/train.json}
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from components.shared.errors import InputError
from components.shared.files.documents import describe, load_yaml
from components.shared.files.formats import NUMBER_KEY, expect_format
from pipelines.kubeflow.cron import check_cron

LATEST = "latest"
_KIND = "schedules.yaml"
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
    document = load_yaml(path, dict[str, Any])
    expect_format(document, _KIND, source=str(path))
    if document.keys() - {NUMBER_KEY} != {"schedules"}:
        raise InputError(
            f"{path}: expected one key, `schedules`, with a list, and at most `{NUMBER_KEY}` "
            "beside it"
        )
    entries = document["schedules"] or []
    if not isinstance(entries, list):
        raise InputError(f"{path}: `schedules` must be a list; `schedules: []` removes all")
    schedules = [_parse(entry, f"{path}: schedule {n}") for n, entry in enumerate(entries, 1)]
    _expect_distinct(path, schedules)
    return schedules


def _parse(entry: Any, label: str) -> Schedule:
    if not isinstance(entry, dict):
        raise InputError(f"{label}: expected fields such as name, pipeline and cron")
    label = f"{label} ({entry['name']})" if isinstance(entry.get("name"), str) else label
    fields = {one.name: one for one in dataclasses.fields(Schedule)}
    unknown = [str(name) for name in entry if name not in fields]
    if unknown:
        raise InputError(f"{label}: unknown field {unknown[0]!r}; known are {', '.join(fields)}")
    missing = [name for name in ("name", "pipeline", "cron") if _is_blank(entry.get(name))]
    if missing:
        raise InputError(f"{label}: {missing[0]} is missing")
    for name, value in entry.items():
        kind = _KINDS.get(name, str)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise InputError(f"{label}: {name} must be {_SAID[kind]}, got {describe(value)}")
    try:
        check_cron(entry["cron"])
    except InputError as error:
        raise InputError(f"{label}: {error}") from None
    concurrency = entry.get("max_concurrency", _LEAST_CONCURRENCY)
    if not _LEAST_CONCURRENCY <= concurrency <= _MOST_CONCURRENCY:
        raise InputError(f"{label}: max_concurrency must be 1 to 10, got {concurrency}")
    return Schedule(**entry)


def _is_blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


_KINDS: Mapping[str, type] = {
    "parameters": dict,
    "max_concurrency": int,
    "catchup": bool,
    "paused": bool,
}
_SAID = {dict: "a table", int: "a whole number", bool: "true or false", str: "a text"}


def _expect_distinct(path: Path, schedules: Sequence[Schedule]) -> None:
    names = [schedule.name for schedule in schedules]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{path}: two schedules are named {name}; give each its own name")
