"""Templates for dates on the English Wikipedia: {{start date|2001|2|3}}, {{as of|2016|4}}."""

import re
from collections.abc import Callable

from components.preprocess.wikitext.templates.arguments import Arguments
from components.preprocess.wikitext.templates.patterns import show_date

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_ISO_DATE = re.compile(r"(\d{3,4})-(\d{1,2})(?:-(\d{1,2}))?")


def _order(day: str, month: str, year: str, *, is_american: bool) -> str:
    """3 February 2001, or February 3, 2001."""
    if month.isdecimal() and 1 <= int(month) <= len(_MONTHS):
        month = _MONTHS[int(month) - 1]
    if is_american and day:
        return f"{month} {day}, {year}"
    return " ".join(filter(None, (day, month, year)))


def _as_of(arguments: Arguments) -> str:
    if alternative := arguments.get("alt"):
        return alternative
    is_american = arguments.get("df").lower() == "us"
    date = _order(arguments[3], arguments[2], arguments[1], is_american=is_american)
    words = "since" if arguments.get("since") else "as of"
    lower = arguments.get("lc") or arguments.get("bare")
    words = words if lower else words[0].upper() + words[1:]
    return date if arguments.get("bare") else f"{words} {date}{arguments.get('post')}"


def _date(arguments: Arguments) -> str:
    """Year, month and day; {{start date|2001|2|3|df=y}} has the day first."""
    if _ISO_DATE.fullmatch(arguments[1]) or not arguments[1].isdecimal():
        return show_iso_date(arguments[1], arguments)
    is_american = not arguments.get("df")
    return _order(arguments[3], arguments[2], arguments[1], is_american=is_american)


def show_iso_date(text: str, arguments: Arguments) -> str:
    """`2001-02-03` in words, in the wiki's language; any other date as it is written."""
    match = _ISO_DATE.fullmatch(text)
    if match is None:
        return text
    year, month, day = match.groups(default="")
    style = arguments[1] + arguments[2]
    if arguments.language.is_english and "dmy" in style:
        return _order(day.lstrip("0"), month, year, is_american=False)
    return show_date(arguments.language.code, year, month, day) or text


def _old_style_date(arguments: Arguments) -> str:
    return f"{arguments[1]} [O.S. {arguments[3]}] {arguments[2]}"


DATE_TEMPLATES: dict[str, Callable[[Arguments], str]] = {
    **dict.fromkeys(("as of", "asof"), _as_of),
    **dict.fromkeys(("start date", "start date and age", "end date", "end date and age"), _date),
    **dict.fromkeys(("birth date", "birth date and age", "bda", "birth-date"), _date),
    **dict.fromkeys(("death date", "death date and age", "dda", "death-date"), _date),
    **dict.fromkeys(("dts", "date table sorting", "date", "film date", "launch date"), _date),
    **dict.fromkeys(("oldstyledate", "oldstyledatedy"), _old_style_date),
}
