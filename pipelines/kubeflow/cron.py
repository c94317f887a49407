"""Cron expressions as robfig/cron reads them, which starts Kubeflow's recurring runs.

Its grammar, names in any case:

    expression = second minute hour day-of-month month day-of-week
    field      = range {"," range}
    range      = ("*" | "?" | value ["-" value]) ["/" step]
    value      = digits | name of a month or of a day of the week
    step       = digits, at least 1

`value "/" step` runs up to the field's maximum. Sunday is 0, not 7.
"""

import re
from typing import NamedTuple

from components.shared.errors import InputError

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_RANGE = re.compile(
    r"(?:[*?]|(?P<first>[0-9]+|[A-Za-z]+)(?:-(?P<last>[0-9]+|[A-Za-z]+))?)(?:/(?P<step>[0-9]+))?"
)
_MAX_DIGITS = 9


class _Field(NamedTuple):
    name: str
    least: int
    most: int
    names: tuple[str, ...] = ()
    """Of the values from `least` up."""


_FIELDS = (
    _Field("seconds", 0, 59),
    _Field("minutes", 0, 59),
    _Field("hours", 0, 23),
    _Field("day of the month", 1, 31),
    _Field("month", 1, 12, tuple(_MONTHS)),
    _Field("day of the week", 0, 6, tuple(_DAYS)),
)


def check_cron(cron: str) -> None:
    """Check an expression.

    Raises:
        InputError: naming the field that is wrong.
    """
    parts = cron.split()
    if len(parts) == len(_FIELDS) - 1:
        raise InputError(
            f"cron {cron!r} has five fields; Kubeflow's has six, seconds first: '0 {cron}'"
        )
    if len(parts) != len(_FIELDS):
        names = ", ".join(field.name for field in _FIELDS)
        raise InputError(
            f"cron {cron!r} must have six fields ({names}), such as '0 0 3 2 * *'; got {len(parts)}"
        )
    for part, field in zip(parts, _FIELDS, strict=True):
        for text in part.split(","):
            if problem := _find_problem(text, field):
                raise InputError(f"cron {cron!r}: {field.name} {problem}")


def _find_problem(text: str, field: _Field) -> str:
    """What is wrong with a range; "" if nothing."""
    match = _RANGE.fullmatch(text)
    if match is None:
        return f"must be ranges such as *, 5, 1-5, */15 or 10-40/10, got {text!r}"
    if match["step"] and not match["step"].strip("0"):
        return f"must have a step of 1 or more after the slash, got {text!r}"
    if len(match["step"] or "") > _MAX_DIGITS:
        return f"must have a step of at most {_MAX_DIGITS} digits, got {text!r}"
    values = []
    for word in filter(None, match.group("first", "last")):
        if word.isdigit():
            values.append(int(word[-_MAX_DIGITS:]) if not word[:-_MAX_DIGITS].strip("0") else -1)
        elif word.lower() in field.names:
            values.append(field.least + field.names.index(word.lower()))
        else:
            known = f"a number or one of {', '.join(field.names)}" if field.names else "a number"
            return f"must be {known}, got {word!r}"
        if not field.least <= values[-1] <= field.most:
            return f"must be {field.least} to {field.most}, got {word}"
    if values != sorted(values):
        return f"must be a range from the smaller to the larger value, got {text!r}"
    return ""
