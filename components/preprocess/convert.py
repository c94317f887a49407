"""{{convert|5|km}}: a measure with its conversion, "5 kilometres (3.1 mi)"."""

import math
import re

from components.preprocess.arguments import Arguments
from components.preprocess.units import CODE_TO_UNIT, convert_value, find_code

_NUMBER = re.compile(r"[-−+]?\d[\d,]*(\.\d+)?|[-−+]?\.\d+")
_SEPARATOR_TO_TEXT = {
    "-": "–", "–": "–", "to": " to ", "to(-)": " to ", "and": " and ", "or": " or ", "x": " by ",
    "×": " × ", "by": " by ", "xx": " × ", "+/-": " ± ", "±": " ± ", "to about": " to about ",
    "and(-)": " and ", ",": ", ",
}  # fmt: skip


def convert(arguments: Arguments, *, abbreviate: bool = False) -> str:
    """The text of {{convert}}, or of {{cvt}} with `abbreviate`.

    A unit that isn't known here is shown as it is written, without a conversion.
    """
    parts = list(arguments)
    numbers, separators, parts = _read_numbers(parts)
    if not numbers or not parts:
        return " ".join(numbers + parts[:1])
    code = find_code(parts[0])
    shown_number = _interleave(numbers, separators)
    if code not in CODE_TO_UNIT:
        return f"{shown_number} {parts[0]}"
    if second := _read_feet_and_inches(code, parts):
        return _show_feet_and_inches(numbers[0], second)
    abbreviation = arguments.get("abbr")
    is_adjective = arguments.get("adj") in ("on", "mid", "pre")
    if abbreviation in ("off", "none", "out"):
        abbreviate = False
    elif abbreviation in ("on", "in", "values", "~"):
        abbreviate = True
    name = _name(code, numbers[-1], abbreviate=abbreviate, is_adjective=is_adjective)
    if arguments.get("sp") == "us":
        name = _spell_american(name)
    shown = shown_number + _join_unit(name, code, abbreviate=abbreviate, is_adjective=is_adjective)
    shown += f" {adjective}" if (adjective := arguments.get("adj-text")) else ""
    converted = _show_conversions(numbers, separators, code, parts[1:], arguments)
    if arguments.get("disp") in ("number", "out", "output only", "output number only"):
        return converted or shown
    return f"{shown} ({converted})" if converted else shown


def _read_numbers(parts: list[str]) -> tuple[list[str], list[str], list[str]]:
    """The numbers and what stands between them, and the parts after them."""
    numbers: list[str] = []
    separators: list[str] = []
    while parts and _NUMBER.fullmatch(parts[0]):
        numbers.append(parts[0])
        if len(parts) > 2 and parts[1] in _SEPARATOR_TO_TEXT and _NUMBER.fullmatch(parts[2]):
            separators.append(_SEPARATOR_TO_TEXT[parts[1]])
            parts = parts[2:]
        else:
            return numbers, separators, parts[1:]
    return numbers, separators, parts


def _read_feet_and_inches(code: str, parts: list[str]) -> str:
    is_second = len(parts) > 2 and _NUMBER.fullmatch(parts[1]) and find_code(parts[2]) == "in"
    return parts[1] if code == "ft" and is_second else ""


def _show_feet_and_inches(feet: str, inches: str) -> str:
    metres = convert_value(_to_float(feet), "ft", "m") + convert_value(_to_float(inches), "in", "m")
    return f"{feet} feet {inches} inches ({metres:.2f} m)"


def _show_conversions(
    numbers: list[str], separators: list[str], code: str, rest: list[str], arguments: Arguments
) -> str:
    unit = CODE_TO_UNIT[code]
    codes = [find_code(name) for name in rest[0].split()] if rest else []
    targets = [one for one in codes if one in CODE_TO_UNIT and CODE_TO_UNIT[one].kind == unit.kind]
    decimals = next((one for one in rest if re.fullmatch(r"-?\d", one)), None)
    shown = []
    for target in targets or unit.output:
        values = [
            _show_value(number, code, target, decimals, arguments.get("sigfig"))
            for number in numbers
        ]
        name = CODE_TO_UNIT[target].symbol
        if arguments.get("abbr") in ("off", "none"):
            name = _name(target, values[-1], abbreviate=False, is_adjective=False)
        shown.append(_interleave(values, separators) + (name if name[0] == "/" else f" {name}"))
    return "; ".join(shown)


def _show_value(number: str, code: str, target: str, decimals: str | None, significant: str) -> str:
    value = _to_float(number)
    converted = convert_value(value, code, target)
    if decimals is not None:
        places = int(decimals)
    elif significant.isdecimal() and int(significant) and converted:
        places = int(significant) - 1 - math.floor(math.log10(abs(converted)))
    else:
        places = _choose_places(number, value, converted, code)
    rounded = round(converted, places) or 0.0  # no "-0"
    return f"{rounded:,.{max(0, places)}f}".replace("-", "−")


def _choose_places(number: str, value: float, converted: float, code: str) -> int:
    """Decimals of the result: about as precise as the input, or two significant digits.

    As the template's documentation says: as many decimals as the input has (or minus its
    trailing zeros), one more for a factor between 0.02 and 0.2, one less for one between 2
    and 20; or two significant digits if that is more.
    """
    digits = number.replace(",", "")
    whole, _, fraction = digits.partition(".")
    places = len(fraction) if "." in digits else len(whole.rstrip("0")) - len(whole)
    if not value or not converted or CODE_TO_UNIT[code].kind == "temperature":
        return max(places, 0)
    places -= math.floor(math.log10(abs(converted / value)) + math.log10(5))
    return max(places, 1 - math.floor(math.log10(abs(converted))))


def _name(code: str, number: str, *, abbreviate: bool, is_adjective: bool) -> str:
    unit = CODE_TO_UNIT[code]
    if abbreviate:
        return unit.symbol
    return unit.singular if is_adjective or _to_float(number) in (1, -1) else unit.plural


def _join_unit(name: str, code: str, *, abbreviate: bool, is_adjective: bool) -> str:
    if is_adjective and not abbreviate:
        return f"-{name.replace(' ', '-')}"
    return name if abbreviate and CODE_TO_UNIT[code].symbol[0] == "/" else f" {name}"


def _spell_american(name: str) -> str:
    return name.replace("metre", "meter").replace("litre", "liter")


def _interleave(numbers: list[str], separators: list[str]) -> str:
    shown = [_group(numbers[0])]
    for separator, number in zip(separators, numbers[1:], strict=True):
        shown += [separator, _group(number)]
    return "".join(shown)


def _group(number: str) -> str:
    """`1234.5` as `1,234.5`."""
    whole, point, fraction = number.replace("-", "−").replace(",", "").partition(".")
    digits = whole.lstrip("+−")
    grouped = f"{int(digits):,}" if len(digits) > 3 else digits
    return f"{whole[: len(whole) - len(digits)]}{grouped}{point}{fraction}"


def _to_float(number: str) -> float:
    return float(number.replace(",", "").replace("−", "-"))
