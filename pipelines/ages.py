"""Lengths of time on the command line: 30d or 12h."""

import re
from datetime import timedelta

from components.shared.errors import InputError

_AGE = re.compile(r"(\d+)([dh])")


def parse_age(text: str, setting: str) -> timedelta:
    """Parse a number of days or hours.

    Raises:
        InputError: if it is neither.
    """
    match = _AGE.fullmatch(text)
    if match is None:
        raise InputError(f"{setting} must be days or hours, such as 30d or 12h, got {text!r}")
    number = int(match[1])
    try:
        return timedelta(days=number) if match[2] == "d" else timedelta(hours=number)
    except OverflowError:
        raise InputError(f"{setting} {text} is too long; 30d suits most") from None
