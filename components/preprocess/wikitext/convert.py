"""{{convert|5|km}}: a measure with its conversion, "5 kilometres (3.1 mi)"."""

import math
import re
from typing import NamedTuple

from components.preprocess.wikitext.arguments import Arguments
from components.preprocess.wikitext.units import CODE_TO_UNIT, Unit, convert_value, find_unit

# Also with a fraction: `1/2`, `5+1/2`, `5 1/2`.
_NUMBER = re.compile(
    r"[-−+]?(?:\d[\d,]{0,30}(?:\.\d{1,30})?|\.\d{1,30}"
    r"|(?:\d{1,9}[+ ])?\d{1,4}(?:/|//)0*[1-9]\d{0,3})"
)
_FRACTION = re.compile(r"([-−+]?)(?:(\d+)[+ ])?(\d+)//?(\d+)")
_SEPARATOR_TO_TEXT = {
    "-": "–", "–": "–", "to": " to ", "to(-)": " to ", "and": " and ", "or": " or ", "x": " by ",
    "×": " × ", "by": " by ", "xx": " × ", "+/-": " ± ", "±": " ± ", "to about": " to about ",
    "and(-)": " and ", ",": ", ",
}  # fmt: skip

_DISPLAY_TO_SIGNS = {"or": (" or ", ""), "sqbr": (" [", "]"), "comma": (", ", ""), "b": (" (", ")")}
# Measures in two units by their symbols: what they are converted to, with how many decimals.
_PAIR_TO_DIGITS = {
    ("ft", "in"): ("m", 2),
    ("yd", "ft"): ("m", 1),
    ("mi", "yd"): ("km", 2),
    ("mi", "furlong"): ("km", 1),
    ("st", "lb"): ("kg", 0),
    ("lb", "oz"): ("kg", 2),
}


def convert(arguments: Arguments, *, abbreviate: bool = False) -> str:
    """The text of {{convert}}, or of {{cvt}} with `abbreviate`.

    A unit that isn't known here is shown as it is written, without a conversion.
    """
    numbers, separators, parts = _read_numbers(list(arguments))
    if not numbers or not parts:
        return " ".join(numbers + parts[:2])
    unit = find_unit(parts[0])
    if unit is None:
        return f"{_interleave(numbers, separators)} {parts[0]}"
    if second := _read_second(unit, parts):
        return _show_two(numbers[0], unit, *second)
    if arguments.get("abbr") in ("off", "none", "out"):
        abbreviate = False
    elif arguments.get("abbr") in ("on", "in", "values", "~"):
        abbreviate = True
    style = _Style(
        abbreviate,
        is_adjective=arguments.get("adj") in ("on", "mid", "pre"),
        is_american=arguments.get("sp") == "us",
    )
    # {{convert|7|km|adj=mid|-long}}: the text before the brackets comes last.
    middle = parts[-1] if arguments.get("adj") == "mid" and len(parts) > 1 else ""
    shown = _show(numbers, separators, unit, style) + middle
    targets = _find_targets(unit, parts[1:])
    values = [
        [_show_value(number, unit, target, parts[1:], arguments) for number in numbers]
        for target in targets
    ]
    if arguments.get("order") == "flip" and values:
        flipped = _show(values[0], separators, targets[0], style) + middle
        return f"{flipped} ({_show(numbers, separators, unit, _SYMBOLS)})"
    display = arguments.get("disp")
    is_short = abbreviate or display != "or" or arguments.get("abbr") == "out"
    is_short = is_short and arguments.get("abbr") not in ("off", "none")
    target_style = _Style(is_short, is_american=style.is_american)
    converted = "; ".join(
        _show(value, separators, target, target_style)
        for value, target in zip(values, targets, strict=True)
    )
    if display in ("number", "out", "output", "output only"):
        return converted or shown
    if display == "output number only":
        return _interleave(values[0], separators) if values else shown
    before, after = _DISPLAY_TO_SIGNS.get(display, (" (", ")"))
    return f"{shown}{before}{converted}{after}" if converted else shown


class _Style(NamedTuple):
    """How a unit is written."""

    abbreviate: bool
    is_adjective: bool = False
    is_american: bool = False


_SYMBOLS, _NAMES = _Style(abbreviate=True), _Style(abbreviate=False)


def _show(numbers: list[str], separators: list[str], unit: Unit, style: _Style) -> str:
    """Numbers and their unit: `5–10 km`, `10-mile`."""
    shown = _interleave(numbers, separators)
    if style.abbreviate:
        return f"{shown}{'' if unit.symbol.startswith('/') else ' '}{unit.symbol}"
    is_single = style.is_adjective or _is_one(numbers[-1])
    name = unit.singular if is_single else unit.plural
    if style.is_american:
        name = _spell_american(name)
    return f"{shown}-{name.replace(' ', '-')}" if style.is_adjective else f"{shown} {name}"


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


def _read_second(unit: Unit, parts: list[str]) -> tuple[str, Unit] | None:
    """The smaller part of a measure in two units: {{convert|6|ft|2|in}}."""
    if len(parts) < 3 or not _NUMBER.fullmatch(parts[1]):
        return None
    second = find_unit(parts[2])
    is_pair = second is not None and (unit.symbol, second.symbol) in _PAIR_TO_DIGITS
    return (parts[1], second) if second is not None and is_pair else None


def _show_two(number: str, unit: Unit, second_number: str, second: Unit) -> str:
    target_code, digits = _PAIR_TO_DIGITS[unit.symbol, second.symbol]
    target = CODE_TO_UNIT[target_code]
    value = convert_value(_to_float(number), unit, target)
    value += convert_value(_to_float(second_number), second, target)
    first, rest = _show([number], [], unit, _NAMES), _show([second_number], [], second, _NAMES)
    return f"{first} {rest} ({value:,.{digits}f} {target.symbol})"


def _find_targets(unit: Unit, rest: list[str]) -> list[Unit]:
    """The units that the call names, or else the usual ones."""
    named = rest[0] if rest else ""
    found = [find_unit(named)] if find_unit(named) else [find_unit(one) for one in named.split()]
    targets = [one for one in found if one is not None and one.kind == unit.kind]
    return targets or [CODE_TO_UNIT[code] for code in unit.output]


def _show_value(
    number: str, unit: Unit, target: Unit, rest: list[str], arguments: Arguments
) -> str:
    value = _to_float(number)
    converted = convert_value(value, unit, target)
    decimals = next((one for one in rest if re.fullmatch(r"-?\d", one)), None)
    significant, step = arguments.get("sigfig"), arguments.get("round")
    if step in ("5", "10", "25", "50"):
        return f"{round(converted / int(step)) * int(step):,}"
    if decimals is not None:
        places = int(decimals)
    elif significant.isdecimal() and int(significant) and converted:
        places = int(significant) - 1 - math.floor(math.log10(abs(converted)))
    else:
        places = _choose_places(number, value, converted, unit)
    rounded = round(converted, places) or 0.0  # no "-0"
    return f"{rounded:,.{max(0, places)}f}".replace("-", "−")


def _choose_places(number: str, value: float, converted: float, unit: Unit) -> int:
    """Decimals of the result: about as precise as the input, or two significant digits.

    As the template's documentation says: as many decimals as the input has (or minus its
    trailing zeros), one more for a factor between 0.02 and 0.2, one less for one between 2
    and 20; or two significant digits if that is more.
    """
    digits = number.replace(",", "")
    whole, _, fraction = digits.partition(".")
    places = len(fraction) if "." in digits else len(whole.rstrip("0")) - len(whole)
    if "/" in number:
        places = 0
    if not value or not converted or unit.kind == "temperature":
        return max(places, 0)
    places -= math.floor(math.log10(abs(converted / value)) + math.log10(5))
    return max(places, 1 - math.floor(math.log10(abs(converted))))


def _is_one(number: str) -> bool:
    """One mile, half a mile; but 0.5 miles."""
    value = abs(_to_float(number))
    return value == 1 or (value < 1 and "/" in number)


def _spell_american(name: str) -> str:
    return name.replace("metre", "meter").replace("litre", "liter")


def _interleave(numbers: list[str], separators: list[str]) -> str:
    shown = [_group(numbers[0])]
    for separator, number in zip(separators, numbers[1:], strict=True):
        shown += [separator, _group(number)]
    return "".join(shown)


def _group(number: str) -> str:
    """`1234.5` as `1,234.5`."""
    if "/" in number:
        return number.replace("//", "/").replace("+", " ").replace("-", "−")
    whole, point, fraction = number.replace("-", "−").replace(",", "").partition(".")
    digits = whole.lstrip("+−")
    grouped = f"{int(digits):,}" if len(digits) > 3 else digits
    return f"{whole[: len(whole) - len(digits)]}{grouped}{point}{fraction}"


def _to_float(number: str) -> float:
    if fraction := _FRACTION.fullmatch(number):
        value = int(fraction[2] or 0) + int(fraction[3]) / int(fraction[4])
        return -value if fraction[1] in ("-", "−") else value
    return float(number.replace(",", "").replace("−", "-"))
