"""Numbers as a wiki's software writes them: `12,345.6`, `12.345,6`, `12 345,6`."""

import re

from components.preprocess.languages.facts import NumberFormat

_NUMBER = re.compile(r"([-−+]?)(\d*)(?:\.(\d+))?")


def format_number(number: str, style: NumberFormat) -> str:
    """`1234567.8` with its digits in groups; anything but a plain number as it is."""
    number = number.strip()
    match = _NUMBER.fullmatch(number)
    if match is None or not number:
        return number
    sign, whole, decimals = match.groups()
    last, others = style.group_sizes
    if len(whole) >= last + style.least_grouped:
        head = whole[:-last]
        ends = range(len(head) % others or others, len(head) + 1, others)
        groups = [head[max(0, end - others) : end] for end in ends]
        whole = style.group.join([*groups, whole[-last:]])
    return sign + whole + (style.decimal + decimals if decimals else "")


def parse_number(number: str, style: NumberFormat) -> str:
    """The plain form of a number that the wiki's software has written."""
    plain = number.strip().replace(style.group, "")
    if style.group.isspace():
        plain = re.sub(r"(?<=\d)\s(?=\d)", "", plain)
    return plain.replace(style.decimal, ".")
