"""The templates whose text belongs to the sentence around them.

Every other template (infoboxes, citations, hatnotes, navigation, pronunciations) is left
out; these here would leave a hole: "located about 5 km west of" would become "located
about west of". What a name means depends on the wiki: its own file in languages/ comes
first; the names here are those that the wikis share, and those of the English Wikipedia,
which count there alone.
"""

import re
from collections.abc import Callable, Mapping

from components.preprocess.languages import cldr
from components.preprocess.languages.facts import Language, fold_case
from components.preprocess.wikitext.numbers import format_number, parse_number
from components.preprocess.wikitext.templates.arguments import Arguments
from components.preprocess.wikitext.templates.dates import DATE_TEMPLATES, show_iso_date
from components.preprocess.wikitext.templates.language_marks import (
    ENGLISH_LANGUAGE_TEMPLATES,
    LANGUAGE_TEMPLATES,
    name_language,
)
from components.preprocess.wikitext.templates.money import MONEY_TEMPLATES, show_currency
from components.preprocess.wikitext.templates.numbers import (
    ENGLISH_NUMBER_TEMPLATES,
    NUMBER_TEMPLATES,
)
from components.preprocess.wikitext.templates.patterns import compile_pattern
from components.preprocess.wikitext.templates.plain import CONSTANTS, ENGLISH_STYLES, STYLES

_SHIPS = (
    "HMS", "USS", "USNS", "USCGC", "HMAS", "HMCS", "HMNZS", "HNoMS", "HDMS", "HSwMS", "SMS",
    "RMS", "RFA", "SS", "MV", "MS", "MT", "PS", "ORP", "INS", "NRP", "ROKS", "BRP", "ARA",
)  # fmt: skip
_NOTES = {"flat": "♭", "b": "♭", "sharp": "♯", "#": "♯", "natural": "♮", "n": "♮"}
_CODE = re.compile(r"[A-Z]{3}")


def expand_template(name: str, arguments: Arguments, title: str) -> str:
    """The text that a template leaves; "" for one that leaves none.

    Args:
        name: as it is written, or a parser function with its first argument: `lc:Text`.
        arguments: of the call; they know the wiki's language.
        title: of the page.
    """
    name = " ".join(name.replace("_", " ").split())
    key = fold_case(name).removeprefix("template:")
    language = arguments.language
    if pattern := language.shows.get(key):
        return compile_pattern(pattern)(arguments)
    if key in CONSTANTS:
        return CONSTANTS[key]
    if _CODE.fullmatch(name) and (text := _show_code(name, arguments)):
        return text
    if expand := _find(key, language):
        return expand(arguments)
    if key.startswith("lang-"):
        text = arguments[1]
        # The label would be an English one.
        return _label(key.removeprefix("lang-"), arguments) if language.is_english else text
    if key.startswith(("script/", "lang ")):
        return arguments.last()
    if key.endswith(" span"):  # {{citation needed span|text}} and the like
        return arguments[1] or arguments.get("text")
    function, colon, argument = name.partition(":")
    if colon:
        return _call(function.lower(), argument.strip(), arguments)
    if key in ("pagename", "subst:pagename", "basepagename"):
        return title
    return _show_name(name, language)


def _find(key: str, language: Language) -> Callable[[Arguments], str] | None:
    if language.is_english and key in _ENGLISH_EXPANSIONS:
        return _ENGLISH_EXPANSIONS[key]
    return _EXPANSIONS.get(key)


def _show_code(code: str, arguments: Arguments) -> str:
    """{{ESP}} is a country, {{ZAR|50}} a sum of money."""
    if amount := arguments[1]:
        return show_currency(amount, code, arguments.language) if amount[0].isdecimal() else ""
    return cldr.find_country(arguments.language.code, code)


def _show_name(name: str, language: Language) -> str:
    """The templates that show what they are called: {{XIXe}}, {{Argentinien}}."""
    if language.shows_its_name is not None and language.shows_its_name.fullmatch(name):
        return name
    return name if language.countries_by_name and name in cldr.country_names(language.code) else ""


def _label(code: str, arguments: Arguments) -> str:
    return name_language(code, arguments[1], arguments[2], arguments[3], arguments)


def _call(function: str, text: str, arguments: Arguments) -> str:
    """A parser function: {{lc:Text}}."""
    if function == "formatnum":
        is_reverse = arguments[1].upper() in ("R", "NOSEP")
        show = parse_number if is_reverse else format_number
        return show(text, arguments.language.numbers)
    if function in ("#formatdate", "#dateformat"):
        return show_iso_date(text, arguments)
    return _FUNCTIONS[function](text) if function in _FUNCTIONS else ""


_FUNCTIONS: Mapping[str, Callable[[str], str]] = {
    "lc": str.lower,
    "uc": str.upper,
    "lcfirst": lambda text: text[:1].lower() + text[1:],
    "ucfirst": lambda text: text[:1].upper() + text[1:],
}


def _first(arguments: Arguments) -> str:
    return arguments[1]


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
    return _cite(
        arguments[1] or arguments.get("text", "quote"),
        arguments[2] or arguments.get("author", "by", "sign"),
        arguments[3] or arguments.get("source", "title"),
    )


def _side_quote(arguments: Arguments) -> str:
    """{{rquote|right|text|author|source}}."""
    return _cite(arguments[2], arguments[3], arguments[4])


def _cite(text: str, author: str, source: str) -> str:
    cite = ", ".join(filter(None, (author, source)))
    return f"\n\n{text}\n\n— {cite}\n\n" if cite else f"\n\n{text}\n\n"


def _interlanguage(arguments: Arguments) -> str:
    return arguments.get("lt", "display") or arguments[1]


def _sic(arguments: Arguments) -> str:
    text = _all(arguments)
    return text if arguments.get("hide") else f"{text} [sic]".strip()


def _ship(prefix: str) -> Callable[[Arguments], str]:
    """{{USS|Enterprise|CVN-65|2}}: the number says which parts show; mostly all but the hull."""

    def expand(arguments: Arguments) -> str:
        hull = arguments[2] if arguments[3] in ("", "1", "3") else ""
        return f"{prefix} {arguments[1]}" + (f" ({hull})" if hull else "")

    return expand


def _any_ship(arguments: Arguments) -> str:
    """{{ship|USS|Enterprise|CVN-65}}."""
    hull = arguments[3] if arguments[4] in ("", "1", "3") else ""
    shown = f"{arguments[1]} {arguments[2]}".strip()
    return f"{shown} ({hull})" if hull else shown


def _ship_class(arguments: Arguments) -> str:
    """{{sclass|Iowa|battleship}}: Iowa-class battleship."""
    return f"{arguments[1]}-class {arguments[2]}".strip()


def _bible_verse(arguments: Arguments) -> str:
    """{{bibleverse|1 Corinthians|13:4}}, or with the number apart: {{bibleverse|1|Cor…|13:4}}."""
    if not arguments[1] or arguments[1].isdecimal():
        return arguments[5] or " ".join(filter(None, (arguments[1], arguments[2], arguments[3])))
    return arguments[4] or " ".join(filter(None, (arguments[1], arguments[2])))


def _section(arguments: Arguments) -> str:
    return " § ".join(arguments).strip()


def _lines(arguments: Arguments) -> str:
    """Each argument on a line of its own."""
    return "\n\n" + "\n\n".join(filter(None, arguments)) + "\n\n"


def _block(arguments: Arguments) -> str:
    """Lines of wikitext in the last argument: a list in columns."""
    return f"\n{arguments.get('content') or arguments.last()}\n"


def _music(arguments: Arguments) -> str:
    if arguments[1] == "time":
        return f"{arguments[2]}/{arguments[3]}"
    return _NOTES.get(arguments[1], "")


def _junction(arguments: Arguments) -> str:
    """{{jct|state=CA|I|5|US|101}}: I-5 / US 101."""
    parts = list(arguments)
    roads = zip(parts[::2], parts[1::2], strict=False)
    shown = " / ".join(f"{kind}{'-' if kind == 'I' else ' '}{number}" for kind, number in roads)
    place = ", ".join(filter(None, (arguments.get("city1"), arguments.get("location1"))))
    return f"{shown} – {place}" if place else shown


def _marriage(arguments: Arguments) -> str:
    """{{marriage|Ann Bee|1919|1936}}: Ann Bee (m. 1919–1936)."""
    start, end, how = arguments[2], arguments[3], arguments.get("end", "reason")
    if start and end and how:
        dates = f" (m. {start}; {how} {end})"
    else:
        dates = f" (m. {'–'.join(filter(None, (start, end)))})" if start else ""
    return arguments[1] + dates


def _isbn(arguments: Arguments) -> str:
    return "ISBN " + ", ".join(filter(None, arguments))


# What a template of this name shows on every wiki that has it.
_EXPANSIONS: dict[str, Callable[[Arguments], str]] = {
    **LANGUAGE_TEMPLATES,
    **NUMBER_TEMPLATES,
    **dict.fromkeys(STYLES, _first),
    **dict.fromkeys(("abbr", "abbrv", "tooltip", "abbrlink", "h:abbr"), _first),
    **dict.fromkeys(("h:title", "hover title", "sort", "sorted", "resize"), _second_or_first),
    **dict.fromkeys(("quote", "blockquote", "bquote", "quotation", "cquote"), _quote),
    **dict.fromkeys(("poemquote", "poem quote", "poem", "epigraph", "quoteblock"), _quote),
    **dict.fromkeys(("verse translation", "bq", "centered pull quote", "pull quote"), _quote),
    **dict.fromkeys(("rquote", "lquote"), _side_quote),
    **dict.fromkeys(("ill", "illm", "interlanguage link", "link-interwiki"), _interlanguage),
    **dict.fromkeys(("chem", "linktext", "chem/atom"), _all),
    **dict.fromkeys(("hlist", "flat list", "cslist"), _joined(", ")),
    **dict.fromkeys(("key press", "keypress"), _joined("+")),
    **dict.fromkeys(("ubl", "unbulleted list", "ublist", "bulleted list"), _lines),
    **dict.fromkeys(("ordered list", "unordered list", "numbered list"), _lines),
    **dict.fromkeys(("columns-list", "column list", "col list", "collist", "multicol"), _block),
    **dict.fromkeys(("plainlist", "plain list", "flatlist", "div col", "columns"), _block),
    **dict.fromkeys(("color", "font color", "colour", "colored text", "font"), Arguments.last),
    **dict.fromkeys(("fontsize", "font size", "background color", "script"), Arguments.last),
    **dict.fromkeys(("align", "rtl-para", "lang-block"), Arguments.last),
    **dict.fromkeys(("url", "w", "wikt", "wt"), _second_or_first),
    **dict.fromkeys(("angbr", "angle bracket", "angbr ipa"), _around("⟨", "⟩")),
    **dict.fromkeys(("bracket", "brackets"), _around("[", "]")),
    "isbn": _isbn,
}

# What it shows on the English Wikipedia; elsewhere the name may mean anything.
_ENGLISH_EXPANSIONS: dict[str, Callable[[Arguments], str]] = {
    **ENGLISH_LANGUAGE_TEMPLATES,
    **ENGLISH_NUMBER_TEMPLATES,
    **DATE_TEMPLATES,
    **MONEY_TEMPLATES,
    **dict.fromkeys(ENGLISH_STYLES, _first),
    **dict.fromkeys(("post-nominals", "postnominals", "post-nom"), _joined(", ")),
    "sortname": _joined(" "),
    **dict.fromkeys(("station link", "stl", "sta link", "rail link"), _second_or_first),
    **dict.fromkeys(("bibleverse", "bible verse", "bibleref", "bibleref2", "bv"), _bible_verse),
    **dict.fromkeys(("section link", "slink"), _section),
    "sic": _sic,
    **dict.fromkeys(("gloss", "single quotes"), _around("'", "'")),
    **dict.fromkeys(("lit", "lit.", "literally", "literal translation"), _around("lit. '", "'")),
    **dict.fromkeys(("nee", "née"), _around("née ")),
    '"': _around("„", "“"),
    "music": _music,
    "jct": _junction,
    "marriage": _marriage,
    "ship": _any_ship,
    **dict.fromkeys(("sclass", "sclass2", "sclass-"), _ship_class),
    **{prefix.lower(): _ship(prefix) for prefix in _SHIPS},
}
