"""Templates for numbers: {{val}}, {{frac}}, {{convert}}, ordinals, years and gauges."""

from collections.abc import Callable

from components.preprocess.wikitext.numbers import format_number
from components.preprocess.wikitext.tags import GAP
from components.preprocess.wikitext.templates.arguments import Arguments
from components.preprocess.wikitext.templates.convert import convert

# By what {{track gauge}} is given, without spaces.
_GAUGES = {
    **dict.fromkeys(("sg", "1435mm"), "1,435 mm (4 ft 8 1/2 in)"),
    **dict.fromkeys(("ussg", "4ft8.5in", "4ft81/2in"), "4 ft 8 1/2 in (1,435 mm)"),
    **dict.fromkeys(("1000mm", "metre", "meter"), "1,000 mm (3 ft 3 3/8 in)"),
    **dict.fromkeys(("1067mm",), "1,067 mm (3 ft 6 in)"),
    **dict.fromkeys(("cape", "3ft6in", "42in"), "3 ft 6 in (1,067 mm)"),
    **dict.fromkeys(("3ft", "36in"), "3 ft (914 mm)"),
    **dict.fromkeys(("2ft", "24in"), "2 ft (610 mm)"),
    **dict.fromkeys(("2ft6in", "30in"), "2 ft 6 in (762 mm)"),
    **dict.fromkeys(("5ft", "60in"), "5 ft (1,524 mm)"),
    **dict.fromkeys(("5ft3in", "63in"), "5 ft 3 in (1,600 mm)"),
    **dict.fromkeys(("5ft6in", "66in"), "5 ft 6 in (1,676 mm)"),
    **dict.fromkeys(("1520mm",), "1,520 mm (4 ft 11 27/32 in)"),
    **dict.fromkeys(("1668mm",), "1,668 mm (5 ft 5 21/32 in)"),
    **dict.fromkeys(("600mm",), "600 mm (1 ft 11 5/8 in)"),
    **dict.fromkeys(("750mm",), "750 mm (2 ft 5 1/2 in)"),
    **dict.fromkeys(("760mm",), "760 mm (2 ft 5 15/16 in)"),
}


def _number(arguments: Arguments) -> str:
    return format_number(arguments[1], arguments.language.numbers)


def _fraction(arguments: Arguments) -> str:
    """{{frac|1|2}}; `4{{frac|1|2}}` is 4 1/2."""
    parts = [part for part in arguments if part]
    if not parts:
        return ""
    if len(parts) == 1:
        return f"{GAP}1/{parts[0]}"
    return GAP + " ".join(parts[:-2]) + (" " if len(parts) > 2 else "") + "/".join(parts[-2:])


def _value(arguments: Arguments) -> str:
    """{{val}}: a number with its uncertainty, power of ten and unit."""
    number = _number(arguments)
    if uncertainty := arguments[2]:
        number += f"±{uncertainty}"
    if power := arguments.get("e"):
        number += f"×10^{power}"
    unit = arguments.get("u", "ul")
    number = f"{number}/{per}" if (per := arguments.get("up", "upl")) and not unit else number
    return f"{arguments.get('p')}{number} {unit}".strip() + arguments.get("s")


def _range_after(word: str) -> Callable[[Arguments], str]:
    """{{circa|1500|1600}}: c. 1500–1600."""

    def expand(arguments: Arguments) -> str:
        return f"{word} " + "–".join(filter(None, (arguments[1], arguments[2])))

    return expand


def _era(era: str) -> Callable[[Arguments], str]:
    """{{BCE|44}} is 44 BCE."""
    return lambda arguments: f"{arguments[1]} {era}".strip()


def _ordinal(arguments: Arguments) -> str:
    number = arguments[1]
    if not number.isdecimal():
        return number
    ending = {"1": "st", "2": "nd", "3": "rd"}.get(number[-1], "th")
    return number + ("th" if number[-2:-1] == "1" else ending)


def _gauge(arguments: Arguments) -> str:
    gauge = arguments[1].replace(" ", "").lower()
    return _GAUGES.get(gauge, arguments[1])


def _raised(tag: str) -> Callable[[Arguments], str]:
    """{{sup|6}} is <sup>6</sup>: what it stands after decides how that is written."""
    return lambda arguments: f"<{tag}>{arguments[1]}</{tag}>"


def _height(arguments: Arguments) -> str:
    """{{height|ft=6|in=2}}, {{height|m=1.88}}, {{height|cm=188}}."""
    named = [(arguments.get(unit), unit) for unit in ("m", "cm", "ft", "in")]
    parts = [part for number, unit in named if number for part in (number, unit)]
    return convert(Arguments([*parts, "abbr=on"], str, arguments.language)) if parts else ""


def _joined(separator: str) -> Callable[[Arguments], str]:
    return lambda arguments: separator.join(filter(None, arguments))


NUMBER_TEMPLATES: dict[str, Callable[[Arguments], str]] = {
    **dict.fromkeys(("convert", "conv"), convert),
    "cvt": lambda arguments: convert(arguments, abbreviate=True),
    **dict.fromkeys(("frac", "fraction", "sfrac", "fract", "sfract", "bruch"), _fraction),
    "val": _value,
    **dict.fromkeys(("nts", "number table sorting", "digits", "formatprice"), _number),
    **dict.fromkeys(("format price", "formatnum"), _number),
    "gaps": _joined(""),
    "sup": _raised("sup"),
    "sub": _raised("sub"),
    "su": lambda arguments: arguments.get("p") + arguments.get("b"),
    **dict.fromkeys(("sqrt", "radic"), lambda arguments: f"√{arguments[1]}"),
    **dict.fromkeys(("abs", "mabs"), lambda arguments: f"|{arguments[1]}|"),
    **dict.fromkeys(("nuclide", "nuclide2", "simplenuclide"), _joined("-")),
}

ENGLISH_NUMBER_TEMPLATES: dict[str, Callable[[Arguments], str]] = {
    "num": _number,
    **dict.fromkeys(("e", "esp"), lambda arguments: f"×10^{arguments[1]}"),
    **dict.fromkeys(("circa", "c.", "ca", "ca.", "c"), _range_after("c.")),
    **dict.fromkeys(("reign", "r.", "ruled"), _range_after("r.")),
    **dict.fromkeys(("fl.", "floruit", "fl"), _range_after("fl.")),
    "b.": _range_after("b."),
    "d.": _range_after("d."),
    "born-in": _range_after("born"),
    "died-in": _range_after("died"),
    **{era.lower(): _era(era) for era in ("BCE", "BC", "CE")},
    "ad": lambda arguments: f"AD {arguments[1]}".strip(),
    **dict.fromkeys(("ordinal", "ord"), _ordinal),
    **dict.fromkeys(("track gauge", "rail gauge", "railgauge", "trackgauge"), _gauge),
    **dict.fromkeys(("height", "person height"), _height),
}
