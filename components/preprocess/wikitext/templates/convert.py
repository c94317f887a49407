"""{{convert|5|km}}: a measure with its conversion, "5 kilometres (3.1 mi)"."""

import math
import re
from typing import NamedTuple

from components.preprocess.languages.facts import NumberFormat
from components.preprocess.wikitext.numbers import format_number
from components.preprocess.wikitext.templates.arguments import Arguments
from components.preprocess.wikitext.templates.precision import choose_places
from components.preprocess.wikitext.templates.units import (
    CODE_TO_UNIT,
    Unit,
    convert_value,
    find_unit,
)

# Also with a fraction: `1/2`, `5+1/2`, `5 1/2`.
_NUMBER = re.compile(
    r"[-−+]?(?:\d[\d,]{0,30}(?:\.\d{1,30})?|\.\d{1,30}"
    r"|(?:\d{1,9}[+ ])?\d{1,4}(?:/|//)0*[1-9]\d{0,3})"
)
_FRACTION = re.compile(r"([-−+]?)(?:(\d+)[+ ])?(\d+)//?(\d+)")
_DECIMAL_COMMA = re.compile(r"[-−+]?\d+,(?:\d{1,2}|\d{4,})")
_SEPARATOR_TO_TEXT = {
    "-": "–", "–": "–", "to": " to ", "to(-)": " to ", "and": " and ", "or": " or ", "x": " by ",
    "×": " × ", "by": " by ", "xx": " × ", "+/-": " ± ", "±": " ± ", "to about": " to about ",
    "and(-)": " and ", ",": ", ",
}  # fmt: skip

_DISPLAY_TO_SIGNS = {"or": (" or ", ""), "sqbr": (" [", "]"), "comma": (", ", ""), "b": (" (", ")")}
# Measures in two units, as they are given ({{convert|6|ft|2|in}}), and the usual targets.
_PAIR_TO_OUTPUT = {
    ("ft", "in"): "m", ("yd", "ft"): "m", ("mi", "yd"): "km", ("mi", "furlong"): "km",
    ("st", "lb"): "kg", ("lb", "oz"): "kg", ("mi", "chain"): "km", ("mi", "ft"): "km",
    ("m", "cm"): "ftin",
}  # fmt: skip
# Targets in two units, by their codes.
_CODE_TO_PAIR = {"ftin": ("ft", "in"), "stlb": ("st", "lb"), "lboz": ("lb", "oz")}
# Metres below this are converted to feet and inches.
_MAX_FEET_AND_INCHES_METRES = 3


class _Style(NamedTuple):
    """How measures are written."""

    numbers: NumberFormat
    abbreviate: bool
    is_adjective: bool = False
    is_american: bool = False


class _Measure(NamedTuple):
    """The numbers of a call and what stands between them; in one unit, or in two."""

    numbers: list[str]
    separators: list[str]
    unit: Unit
    seconds: list[str] = []  # noqa: RUF012 - a tuple's default is never changed
    """For each number, one of a smaller unit besides."""
    second_unit: Unit | None = None


def convert(arguments: Arguments, *, abbreviate: bool = False) -> str:
    """The text of {{convert}}, or of {{cvt}} with `abbreviate`.

    A unit that isn't known here is shown as it is written, without a conversion. Names of
    units are English: other wikis show symbols.
    """
    language = arguments.language
    numbers, separators, parts = _read_numbers(_with_points(list(arguments), language.numbers))
    if not numbers or not parts:
        return " ".join(numbers + parts[:2])
    unit = find_unit(parts[0])
    if unit is None:
        grouped = [_group(number, language.numbers) for number in numbers]
        return f"{_interleave(grouped, separators)} {parts[0]}"
    second = _read_second(unit, parts)
    parts = parts[2:] if second[0] else parts
    measure = _Measure(numbers, separators, unit, *second)
    names_units = language.is_english and not abbreviate
    how = arguments.get("abbr") if language.is_english else "on"
    if how in ("off", "none", "out"):
        names_units = True
    elif how in ("on", "in", "values", "~"):
        names_units = False
    style = _Style(
        language.numbers,
        not names_units,
        is_adjective=arguments.get("adj") in ("on", "mid", "pre"),
        is_american=arguments.get("sp") == "us",
    )
    # {{convert|7|km|adj=mid|-long}}: the text before the brackets comes last.
    middle = parts[-1] if arguments.get("adj") == "mid" and len(parts) > 1 else ""
    shown = _show(measure, style) + middle
    targets = _find_targets(measure, parts[1:])
    converted = [_convert(measure, target, parts[1:], arguments) for target in targets]
    if arguments.get("order") == "flip" and converted:
        symbols = _Style(language.numbers, abbreviate=True)
        return f"{_show(converted[0], style)}{middle} ({_show(measure, symbols)})"
    display = arguments.get("disp")
    has_symbols = how in ("on", "~") or display != "or" or how == "out"
    has_symbols = has_symbols and how not in ("off", "none", "in")
    target_style = _Style(language.numbers, has_symbols, is_american=style.is_american)
    results = "; ".join(_show(one, target_style) for one in converted)
    if display in ("number", "out", "output", "output only"):
        return results or shown
    if display == "output number only" and converted:
        grouped = [_group(number, language.numbers) for number in converted[0].numbers]
        return _interleave(grouped, separators)
    before, after = _DISPLAY_TO_SIGNS.get(display, (" (", ")"))
    return f"{shown}{before}{results}{after}" if results else shown


def _show(measure: _Measure, style: _Style) -> str:
    """Numbers and their unit: `5–10 km`, `10-mile`, `6 ft 2 in`."""
    numbers, unit, second = measure.numbers, measure.unit, measure.second_unit
    grouped = [_group(number, style.numbers) for number in numbers]
    if second is None:
        return _add_unit(_interleave(grouped, measure.separators), numbers[-1], unit, style)
    pairs = [
        _add_unit(shown, number, unit, style)
        + " "
        + _add_unit(_group(smaller, style.numbers), smaller, second, style)
        for shown, number, smaller in zip(grouped, numbers, measure.seconds, strict=True)
    ]
    return _interleave(pairs, measure.separators)


def _add_unit(shown: str, number: str, unit: Unit, style: _Style) -> str:
    if style.abbreviate or unit.kind.startswith("temperature"):
        return f"{shown}{'' if unit.symbol.startswith('/') else ' '}{unit.symbol}"
    is_single = style.is_adjective or _is_one(number)
    name = unit.singular if is_single else unit.plural
    if style.is_american:
        name = _spell_american(name)
    return f"{shown}-{name.replace(' ', '-')}" if style.is_adjective else f"{shown} {name}"


def _with_points(parts: list[str], style: NumberFormat) -> list[str]:
    """Numbers that a wiki writes with a decimal comma, with a point."""
    if style.decimal != ",":
        return parts
    return [part.replace(",", ".") if _DECIMAL_COMMA.fullmatch(part) else part for part in parts]


def _read_numbers(parts: list[str]) -> tuple[list[str], list[str], list[str]]:
    """The numbers and what stands between them, and the parts after them."""
    numbers: list[str] = []
    separators: list[str] = []
    position = 0
    while position < len(parts) and _NUMBER.fullmatch(parts[position]):
        numbers.append(parts[position])
        position += 1
        has_more = position + 1 < len(parts) and _NUMBER.fullmatch(parts[position + 1])
        if not has_more or parts[position] not in _SEPARATOR_TO_TEXT:
            break
        separators.append(_SEPARATOR_TO_TEXT[parts[position]])
        position += 1
    return numbers, separators, parts[position:]


def _read_second(unit: Unit, parts: list[str]) -> tuple[list[str], Unit | None]:
    """The smaller part of a measure in two units: {{convert|6|ft|2|in}}."""
    if len(parts) < 3 or not _NUMBER.fullmatch(parts[1]):
        return [], None
    second = find_unit(parts[2])
    is_pair = second is not None and (unit.symbol, second.symbol) in _PAIR_TO_OUTPUT
    return ([parts[1]], second) if is_pair else ([], None)


def _find_targets(measure: _Measure, rest: list[str]) -> list[Unit | tuple[Unit, Unit]]:
    """The units that the call names, or else the usual ones."""
    named = rest[0] if rest else ""
    codes = [named] if find_unit(named) else named.split()
    kind = measure.unit.kind
    found = [target for code in codes if (target := _find_target(code, kind))]
    return found or [
        target for code in _usual_targets(measure) if (target := _find_target(code, kind))
    ]


def _find_target(code: str, kind: str) -> Unit | tuple[Unit, Unit] | None:
    if code in _CODE_TO_PAIR:
        first, second = (CODE_TO_UNIT[one] for one in _CODE_TO_PAIR[code])
        return (first, second) if first.kind == kind else None
    unit = find_unit(code)
    return unit if unit is not None and unit.kind == kind else None


def _usual_targets(measure: _Measure) -> tuple[str, ...]:
    if measure.second_unit is not None:
        return tuple(_PAIR_TO_OUTPUT[measure.unit.symbol, measure.second_unit.symbol].split())
    values = list(map(_to_float, measure.numbers))
    if measure.unit.symbol == "m" and 0 < min(values) <= max(values) < _MAX_FEET_AND_INCHES_METRES:
        return ("ftin",)
    return measure.unit.output


def _convert(
    measure: _Measure, target: Unit | tuple[Unit, Unit], rest: list[str], arguments: Arguments
) -> _Measure:
    """The same measure in another unit, or in two."""
    unit, numbers = measure.unit, measure.numbers
    is_pair = measure.second_unit is not None
    if measure.second_unit is not None:
        # Six feet two are 74 inches.
        [smaller] = measure.seconds
        total = convert_value(_to_float(numbers[0]), unit, measure.second_unit)
        total += _to_float(smaller)
        unit = measure.second_unit
        numbers = [f"{total:.{len(smaller.partition('.')[2])}f}"]
    last = target if isinstance(target, Unit) else target[1]
    converted = [
        _convert_number(number, unit, last, rest, arguments, is_pair=is_pair) for number in numbers
    ]
    if isinstance(target, Unit):
        return _Measure([_round(*one) for one in converted], measure.separators, target)
    size = round(target[0].scale / target[1].scale)
    wholes, lefts = [], []
    for value, places in converted:
        # Whole pounds and inches at least: the larger unit has rounded enough.
        decimals = max(0, places)
        whole, left = divmod(round(value, decimals), size)
        wholes.append(f"{whole:.0f}")
        lefts.append(f"{left:.{decimals}f}")
    return _Measure(wholes, measure.separators, target[0], lefts, target[1])


def _convert_number(
    number: str,
    unit: Unit,
    target: Unit,
    rest: list[str],
    arguments: Arguments,
    *,
    is_pair: bool,
) -> tuple[float, int]:
    """The number in another unit, and how many decimals it has."""
    value = _to_float(number)
    if not value and unit.is_inverse != target.is_inverse:
        return 0.0, 0
    converted = convert_value(value, unit, target)
    decimals = next((one for one in rest if re.fullmatch(r"-?\d", one)), None)
    significant, step = arguments.get("sigfig"), arguments.get("round")
    if step in ("5", "10", "25", "50"):
        return round(converted / int(step)) * int(step), 0
    if decimals is not None:
        places = int(decimals)
    elif significant.isdecimal() and int(significant) and converted:
        places = int(significant) - 1 - math.floor(math.log10(abs(converted)))
    else:
        places = choose_places(number, value, converted, unit, target, is_pair=is_pair)
    return converted, places


def _round(value: float, places: int) -> str:
    rounded = round(value, places) or 0.0  # no "-0"
    return f"{rounded:.{max(0, places)}f}"


def _is_one(number: str) -> bool:
    """One mile, half a mile; but 0.5 miles."""
    value = abs(_to_float(number))
    return value == 1 or (value < 1 and "/" in number)


def _spell_american(name: str) -> str:
    return name.replace("metre", "meter").replace("litre", "liter")


def _interleave(shown: list[str], separators: list[str]) -> str:
    pieces = [shown[0]]
    for separator, one in zip(separators, shown[1:], strict=False):
        pieces += [separator, one]
    return "".join(pieces)


def _group(number: str, style: NumberFormat) -> str:
    """`1234.5` as `1,234.5`."""
    number = number.replace("-", "−")
    if "/" in number:
        return number.replace("//", "/").replace("+", " ")
    return format_number(number.replace(",", ""), style)


def _to_float(number: str) -> float:
    if fraction := _FRACTION.fullmatch(number):
        value = int(fraction[2] or 0) + int(fraction[3]) / int(fraction[4])
        return -value if fraction[1] in ("-", "−") else value
    return float(number.replace(",", "").replace("−", "-"))
