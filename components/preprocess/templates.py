"""The templates whose text belongs to the sentence around them.

Every other template (infoboxes, citations, hatnotes, navigation, pronunciations) is left
out; these here would leave a hole: "located about 5 km west of" would become "located
about west of". Names are those of the English Wikipedia, which other wikis share in part.
"""

from collections.abc import Callable

from components.preprocess.arguments import Arguments
from components.preprocess.convert import convert
from components.preprocess.languages import CODE_TO_LANGUAGE
from components.preprocess.plain_templates import CONSTANTS, STYLES

_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


def expand_template(name: str, arguments: Arguments, title: str) -> str:
    """The text that a template leaves; "" for one that leaves none."""
    name = " ".join(name.replace("_", " ").split()).lower().removeprefix("template:")
    if name in CONSTANTS:
        return CONSTANTS[name]
    if name in _EXPANSIONS:
        return _EXPANSIONS[name](arguments)
    if name.startswith("lang-"):
        return _name_language(name.removeprefix("lang-"), arguments[1], arguments)
    if name.startswith(("script/", "lang ")):
        return arguments.last()
    if name.startswith("formatnum:"):
        return _group_digits(name.partition(":")[2])
    if name in ("pagename", "subst:pagename", "basepagename"):
        return title
    return ""


def _first(arguments: Arguments) -> str:
    return arguments[1]


def _second(arguments: Arguments) -> str:
    return arguments[2]


def _second_or_first(arguments: Arguments) -> str:
    return arguments[2] or arguments[1]


def _all(arguments: Arguments) -> str:
    return "".join(arguments)


def _joined(separator: str) -> Callable[[Arguments], str]:
    return lambda arguments: separator.join(filter(None, arguments))


def _around(before: str, after: str = "") -> Callable[[Arguments], str]:
    """The first argument between two signs."""
    return lambda arguments: f"{before}{arguments[1]}{after}"


def _quote(arguments: Arguments) -> str:
    text = arguments[1] or arguments.get("text", "quote")
    author = arguments[2] or arguments.get("author", "by", "sign")
    source = arguments[3] or arguments.get("source", "title")
    cite = ", ".join(filter(None, (author, source)))
    return f"\n\n{text}\n\n— {cite}\n\n" if cite else f"\n\n{text}\n\n"


def _lang(arguments: Arguments) -> str:
    return arguments[2] or arguments.get("text")


def _langx(arguments: Arguments) -> str:
    return _name_language(arguments[1], arguments[2] or arguments.get("text"), arguments)


def _name_language(code: str, text: str, arguments: Arguments) -> str:
    """`German: Wien`, with a romanisation and a meaning where they are given."""
    language = CODE_TO_LANGUAGE.get(code.strip().lower(), "")
    label = arguments.get("label") or language
    shown = f"{label}: {text}" if label and label.lower() != "none" else text
    # {{langx|ru|…|romanisation|meaning}}, {{lang-ru|…|romanisation|meaning}}
    romanised = arguments.get("translit", "romanized")
    meaning = arguments.get("lit", "translation")
    parts = [shown, romanised and f"romanized: {romanised}", meaning and f"lit. '{meaning}'"]
    return ", ".join(filter(None, parts))


def _nihongo(arguments: Arguments) -> str:
    english, kanji, romaji = arguments[1], arguments[2], arguments[3]
    extra = arguments[4] or arguments.get("extra")
    after = arguments[5] or arguments.get("extra2")
    inside = ", ".join(filter(None, (kanji, romaji, extra)))
    if not english:
        english, inside = romaji, ", ".join(filter(None, (kanji, extra)))
    shown = f"{english} ({inside})" if inside else english
    return f"{shown} {after}" if after else shown


def _as_of(arguments: Arguments) -> str:
    if alternative := arguments.get("alt"):
        return alternative
    year, month, day = arguments[1], arguments[2], arguments[3]
    if month.isdecimal() and 1 <= int(month) <= len(_MONTHS):
        month = _MONTHS[int(month) - 1]
    american = arguments.get("df").lower() == "us"
    if american and day:
        date = f"{month} {day}, {year}"
    else:
        date = " ".join(filter(None, (day, month, year)))
    words = "since" if arguments.get("since") else "as of"
    lower = arguments.get("lc") or arguments.get("bare")
    words = words if lower else words[0].upper() + words[1:]
    return date if arguments.get("bare") else f"{words} {date}{arguments.get('post')}"


def _fraction(arguments: Arguments) -> str:
    parts = [part for part in arguments if part]
    if len(parts) == 1:
        return f"1/{parts[0]}"
    return " ".join(parts[:-2]) + (" " if len(parts) > 2 else "") + "/".join(parts[-2:])


def _value(arguments: Arguments) -> str:
    """{{val}}: a number with its uncertainty, power of ten and unit."""
    number = _group_digits(arguments[1])
    if uncertainty := arguments[2]:
        number += f"±{uncertainty}"
    if power := arguments.get("e"):
        number += f"×10{power}"
    unit = arguments.get("u", "ul")
    number = f"{number}/{per}" if (per := arguments.get("up", "upl")) and not unit else number
    return f"{arguments.get('p')}{number} {unit}".strip() + arguments.get("s")


def _group_digits(number: str) -> str:
    """`1234567` as `1,234,567`; anything but a plain number as it is."""
    whole, point, decimals = number.strip().partition(".")
    digits = whole.lstrip("-−")
    if not digits.isdecimal() or len(digits) < 4:
        return number.strip()
    return f"{whole[: -len(digits)]}{int(digits):,}{point}{decimals}"


def _number(arguments: Arguments) -> str:
    return _group_digits(arguments[1])


def _circa(arguments: Arguments) -> str:
    return "c. " + "–".join(filter(None, (arguments[1], arguments[2])))


def _interlanguage(arguments: Arguments) -> str:
    return arguments.get("lt", "display") or arguments[1]


def _era(era: str) -> Callable[[Arguments], str]:
    """{{BCE|44}} is 44 BCE."""
    return lambda arguments: f"{arguments[1]} {era}".strip()


def _ship(prefix: str) -> Callable[[Arguments], str]:
    """{{USS|Enterprise|CVN-65|2}}: the number says which parts show; mostly all but the hull."""

    def expand(arguments: Arguments) -> str:
        hull = arguments[2] if arguments[3] in ("", "1", "3") else ""
        return f"{prefix} {arguments[1]}" + (f" ({hull})" if hull else "")

    return expand


def _reign(arguments: Arguments) -> str:
    return "r. " + "–".join(filter(None, (arguments[1], arguments[2])))


def _bible_verse(arguments: Arguments) -> str:
    return arguments[4] or " ".join(filter(None, (arguments[1], arguments[2])))


def _lines(arguments: Arguments) -> str:
    return "\n\n".join(filter(None, arguments))


_EXPANSIONS: dict[str, Callable[[Arguments], str]] = {
    **dict.fromkeys(STYLES, _first),
    **dict.fromkeys(("abbr", "abbrv", "tooltip", "hover title"), _first),
    **dict.fromkeys(("convert", "conv"), convert),
    **dict.fromkeys(("quote", "blockquote", "bquote", "quotation", "cquote"), _quote),
    **dict.fromkeys(("poemquote", "poem quote", "verse translation", "poem"), _quote),
    **dict.fromkeys(("lang", "wikt-lang"), _lang),
    **dict.fromkeys(("native name", "native phrase", "nativename"), _second),
    **dict.fromkeys(("transl", "transliteration", "translit", "tlit", "rtgs"), Arguments.last),
    **dict.fromkeys(("nihongo", "nihongo2", "nihongo3", "nihongo foot"), _nihongo),
    **dict.fromkeys(("as of", "asof"), _as_of),
    **dict.fromkeys(("frac", "fraction", "sfrac", "fract", "sfract"), _fraction),
    **dict.fromkeys(("val",), _value),
    **dict.fromkeys(("nts", "number table sorting", "digits"), _number),
    **dict.fromkeys(("circa", "c.", "ca", "ca.", "c"), _circa),
    **dict.fromkeys(("ill", "illm", "interlanguage link", "link-interwiki"), _interlanguage),
    **dict.fromkeys(("chem", "linktext", "chem/atom"), _all),
    **dict.fromkeys(("hlist", "flat list", "cslist"), _joined(", ")),
    **dict.fromkeys(("ubl", "unbulleted list", "ublist", "plain list", "bulleted list"), _lines),
    **dict.fromkeys(("color", "font color", "colour", "colored text"), Arguments.last),
    **dict.fromkeys(("url",), _second_or_first),
    **dict.fromkeys(("bibleverse", "bible verse", "bibleref", "bibleref2", "bv"), _bible_verse),
    **dict.fromkeys(("reign", "r.", "ruled"), _reign),
    "cvt": lambda arguments: convert(arguments, abbreviate=True),
    "langx": _langx,
    "sic": lambda arguments: f"{_all(arguments)} [sic]".strip(),
    "angbr": _around("⟨", "⟩"),
    "angle bracket": _around("⟨", "⟩"),
    "bracket": _around("[", "]"),
    "fl.": _around("fl. "),
    "floruit": _around("fl. "),
    "born-in": _around("born "),
    "gbp": _around("£"),
    "pound sterling": _around("£"),
    "us$": _around("US$"),
    "usd": _around("US$"),
    "a$": _around("A$"),
    "aud": _around("A$"),
    "can$": _around("CA$"),
    "cad": _around("CA$"),
    "inr": _around("₹"),
    "indian rupee": _around("₹"),
    "eur": _around("€"),
    "euro": _around("€"),
    "ad": lambda arguments: f"AD {arguments[1]}".strip(),
    **{era.lower(): _era(era) for era in ("BCE", "BC", "CE")},
    "jpy": _around("¥"),
    "uss": _ship("USS"),
    "hms": _ship("HMS"),
    "hmas": _ship("HMAS"),
    "rms": _ship("RMS"),
    "ss": _ship("SS"),
    "music": lambda arguments: {"flat": "♭", "sharp": "♯", "b": "♭", "#": "♯"}.get(
        arguments[1], ""
    ),
}
