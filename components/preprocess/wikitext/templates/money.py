"""Templates for sums of money: {{US$|5}}, {{ZAR|50}}, {{currency|1.28 billion|USD}}."""

from collections.abc import Callable

from components.preprocess.languages.facts import Language
from components.preprocess.wikitext.numbers import format_number
from components.preprocess.wikitext.templates.arguments import Arguments

# As the English Wikipedia writes them; any other sum has its code before it.
_CODE_TO_SIGN = {
    "USD": "US$", "AUD": "A$", "CAD": "CA$", "NZD": "NZ$", "HKD": "HK$", "SGD": "S$", "TWD": "NT$",
    "MXN": "MX$", "BRL": "R$", "GBP": "£", "EUR": "€", "JPY": "¥", "CNY": "¥", "INR": "₹",
    "KRW": "₩", "ZAR": "R", "ILS": "₪", "PHP": "₱", "NGN": "₦", "RUB": "₽", "UAH": "₴", "VND": "₫",
    "THB": "฿", "TRY": "₺", "BDT": "৳", "IRR": "﷼", "KZT": "₸", "GEL": "₾", "CRC": "₡",
}  # fmt: skip
_NAME_TO_CODE = {
    **dict.fromkeys(("us$", "usdconvert", "$"), "USD"),
    "a$": "AUD", "can$": "CAD", "c$": "CAD", "nz$": "NZD", "hk$": "HKD", "s$": "SGD",
    "pound sterling": "GBP", "£": "GBP", "euro": "EUR", "€": "EUR", "¥": "JPY", "yen": "JPY",
    "rmb": "CNY", "indian rupee": "INR", "₹": "INR", "₩": "KRW", "₱": "PHP",
}  # fmt: skip
_RUPEE_SCALES = {"l": "lakh", "c": "crore", "k": "thousand", "m": "million", "b": "billion"}


def show_currency(amount: str, code: str, language: Language) -> str:
    """A sum with the sign of its currency; "" for a code that is no currency's."""
    from babel.core import get_global

    if code not in _CODE_TO_SIGN and code not in get_global("all_currencies"):
        return ""
    return f"{_CODE_TO_SIGN.get(code, f'{code} ')}{format_number(amount, language.numbers)}"


def _money(code: str) -> Callable[[Arguments], str]:
    return lambda arguments: show_currency(arguments[1], code, arguments.language)


def _currency(arguments: Arguments) -> str:
    code = (arguments[2] or arguments.get("code") or "USD").upper()
    return show_currency(arguments[1], code, arguments.language) or arguments[1]


def _rupees(arguments: Arguments) -> str:
    return f"₹{arguments[1]} {_RUPEE_SCALES.get(arguments[2], '')}".strip()


MONEY_TEMPLATES: dict[str, Callable[[Arguments], str]] = {
    **{name: _money(code) for name, code in _NAME_TO_CODE.items()},
    **{code.lower(): _money(code) for code in _CODE_TO_SIGN},
    "currency": _currency,
    "inrconvert": _rupees,
}
