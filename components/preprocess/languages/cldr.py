"""What Unicode's CLDR knows of all languages, by way of Babel: dates, countries, scripts."""

import datetime
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from babel import Locale

# Wikis whose code is not their language's.
_WIKI_TO_LOCALE = {
    "simple": "en", "no": "nb", "be-x-old": "be", "be-tarask": "be", "zh-yue": "yue", "als": "gsw",
    "sh": "sr_Latn", "nds-nl": "nds", "bat-smg": "lt", "zh-min-nan": "zh_Hant",
    "zh-classical": "zh_Hant",
}  # fmt: skip

# Codes of countries in sports where they are not those of ISO 3166.
_IOC_TO_ISO = {
    "GER": "DE", "NED": "NL", "SUI": "CH", "POR": "PT", "CRO": "HR", "DEN": "DK", "GRE": "GR",
    "BUL": "BG", "SLO": "SI", "LAT": "LV", "RSA": "ZA", "CHI": "CL", "URU": "UY", "PAR": "PY",
    "PHI": "PH", "INA": "ID", "MAS": "MY", "VIE": "VN", "IRI": "IR", "KSA": "SA", "UAE": "AE",
    "ALG": "DZ", "NGR": "NG", "ZIM": "ZW", "CRC": "CR", "HON": "HN", "GUA": "GT", "PUR": "PR",
    "TPE": "TW", "MGL": "MN", "SRI": "LK", "NEP": "NP", "BAN": "BD", "KUW": "KW", "LBA": "LY",
}  # fmt: skip


@cache
def _find_locale(code: str) -> "Locale":
    from babel import Locale, UnknownLocaleError

    try:
        return Locale.parse(_WIKI_TO_LOCALE.get(code, code.replace("-", "_")))
    except (UnknownLocaleError, ValueError):
        return Locale.parse("en")


def number_signs(code: str) -> tuple[str, str]:
    """The sign between groups of digits, and the decimal sign."""
    from babel.numbers import get_decimal_symbol, get_group_symbol

    locale = _find_locale(code)
    return get_group_symbol(locale), get_decimal_symbol(locale)


def format_date(code: str, year: int, month: int = 0, day: int = 0) -> str:
    """A date in words, `3 de febrero de 2001`; 0 stands for a month or a day not known.

    Raises:
        ValueError: if there is no such date.
    """
    from babel import dates

    locale = _find_locale(code)
    date = datetime.date(year, month or 1, day or 1)
    if not month:
        return str(year)
    if not day:
        return dates.format_skeleton("yMMMM", date, locale=locale)
    return dates.format_date(date, "long", locale)


def find_country(code: str, country: str) -> str:
    """Return the name of a country by its three-letter code, `ESP`; "" if it is unknown."""
    from babel.core import get_global

    iso = _IOC_TO_ISO.get(country) or get_global("territory_aliases").get(country, [""])[0]
    return _find_locale(code).territories.get(iso, "") if len(iso) == 2 else ""


@cache
def country_names(code: str) -> frozenset[str]:
    """The names of all countries in a language."""
    territories = _find_locale(code).territories
    return frozenset(name for iso, name in territories.items() if iso.isalpha())


def find_script(code: str) -> str:
    """The script that a language is mostly written in, by its code in ISO 15924: `Deva`."""
    from babel.core import get_global

    locale = _find_locale(code)
    tags = get_global("likely_subtags")
    likely = tags.get(str(locale)) or tags.get(locale.language, "")
    parts = [part for part in (locale.script, *likely.split("_")) if part and len(part) == 4]
    return parts[0] if parts else "Latn"
