"""Cron expressions as robfig/cron reads them, which starts Kubeflow's recurring runs.

Its grammar, names in any case:

    expression = second minute hour day-of-month month day-of-week
    field      = range {"," range}
    range      = ("*" | "?" | value ["-" value]) ["/" step]
    value      = digits | name of a month or of a day of the week
    step       = digits, at least 1

`value "/" step` runs up to the field's maximum. Sunday is 0, not 7. A day must match both of its
fields if one of them has "*" or "?", also with a step, and otherwise either.
"""

import itertools
import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from components.shared.errors import InputError

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_RANGE = re.compile(
    r"(?:[*?]|(?P<first>[0-9]+|[A-Za-z]+)(?:-(?P<last>[0-9]+|[A-Za-z]+))?)(?:/(?P<step>[0-9]+))?"
)
_STAR = re.compile("[*?]")
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


@dataclass(frozen=True)
class Cron:
    """The times of an expression."""

    values: tuple[frozenset[int], ...]
    """Of each field."""
    is_any_day: bool
    """Whether a day's two fields must both match."""

    def comes_between(self, after: datetime, until: datetime) -> bool:
        """Whether one of the times is later than `after` and not later than `until`.

        Both are times of a wall clock. So a time that a change to summer time skips has come, and
        one that the change back repeats comes once.
        """
        day = until.date()
        while day >= after.date():
            if self._has_day(day) and any(
                after < datetime.combine(day, one) <= until for one in self._list_times()
            ):
                return True
            day -= timedelta(days=1)
        return False

    def _has_day(self, day: date) -> bool:
        *_, days_of_month, months, days_of_week = self.values
        is_of_month = day.day in days_of_month
        is_of_week = day.isoweekday() % 7 in days_of_week
        fits = is_of_month and is_of_week if self.is_any_day else is_of_month or is_of_week
        return fits and day.month in months

    def _list_times(self) -> list[time]:
        seconds, minutes, hours, *_ = self.values
        return [time(*one) for one in itertools.product(hours, minutes, seconds)]


def parse_cron(cron: str) -> Cron:
    """Parse an expression.

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
    values = []
    for part, field in zip(parts, _FIELDS, strict=True):
        values.append(frozenset[int]())
        for text in part.split(","):
            try:
                values[-1] |= _list_values(text, field)
            except ValueError as error:
                raise InputError(f"cron {cron!r}: {field.name} {error}") from None
    return Cron(tuple(values), is_any_day=bool(_STAR.search(parts[3] + parts[5])))


def _list_values(text: str, field: _Field) -> frozenset[int]:
    """Return the values of a range.

    Raises:
        ValueError: saying what is wrong with it.
    """
    match = _RANGE.fullmatch(text)
    if match is None:
        raise ValueError(f"must be ranges such as *, 5, 1-5, */15 or 10-40/10, got {text!r}")
    if match["step"] and not match["step"].strip("0"):
        raise ValueError(f"must have a step of 1 or more after the slash, got {text!r}")
    if len(match["step"] or "") > _MAX_DIGITS:
        raise ValueError(f"must have a step of at most {_MAX_DIGITS} digits, got {text!r}")
    bounds = [_parse_value(word, field) for word in match.group("first", "last") if word]
    if bounds != sorted(bounds):
        raise ValueError(f"must be a range from the smaller to the larger value, got {text!r}")
    first = bounds[0] if bounds else field.least
    last = field.most if not bounds or (len(bounds) == 1 and match["step"]) else bounds[-1]
    return frozenset(range(first, last + 1, int(match["step"] or 1)))


def _parse_value(word: str, field: _Field) -> int:
    if word.isdigit():
        value = int(word[-_MAX_DIGITS:]) if not word[:-_MAX_DIGITS].strip("0") else -1
    elif word.lower() in field.names:
        value = field.least + field.names.index(word.lower())
    else:
        known = f"a number or one of {', '.join(field.names)}" if field.names else "a number"
        raise ValueError(f"must be {known}, got {word!r}")
    if not field.least <= value <= field.most:
        raise ValueError(f"must be {field.least} to {field.most}, got {word}")
    return value
