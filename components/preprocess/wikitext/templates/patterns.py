"""Patterns that say what a template shows: `{1}[ ({2})]`. languages/README.md explains them."""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial

from components.preprocess.languages import cldr
from components.preprocess.wikitext.numbers import format_number
from components.preprocess.wikitext.templates.arguments import Arguments

_TOKEN = re.compile(r"\{([^{}]*)\}|([\[\]])")

# The text of a part, and whether an argument gave any of it.
_Shown = tuple[str, bool]
_Part = Callable[[Arguments], _Shown]


@cache
def compile_pattern(pattern: str) -> Callable[[Arguments], str]:
    """A function that shows a call as a pattern says.

    Raises:
        ValueError: if brackets do not match, or an argument is shown twice.
    """
    tokens = _tokenize(pattern)
    show, closed = _parse(tokens)
    if closed:
        raise ValueError(f"{pattern!r}: a ']' too many")
    names = [
        name for field in re.findall(r"\{([^{}]*)\}", pattern) for name in _argument_names(field)
    ]
    if len(names) > len(set(names)):
        raise ValueError(f"{pattern!r}: shows an argument twice")
    return lambda arguments: show(arguments)[0].strip(" ")


def _tokenize(pattern: str) -> Iterator[tuple[str, str]]:
    position = 0
    for match in _TOKEN.finditer(pattern):
        yield "text", pattern[position : match.start()]
        yield ("bracket", match[2]) if match[2] else ("field", match[1])
        position = match.end()
    yield "text", pattern[position:]


def _parse(tokens: Iterator[tuple[str, str]]) -> tuple[_Part, bool]:
    """The parts up to a closing bracket or the end, and whether a bracket closed them."""
    parts: list[_Part] = []
    for kind, text in tokens:
        if kind == "text":
            parts.append(partial(_show_text, text))
        elif kind == "field":
            parts.append(_read_field(text))
        elif text == "[":
            inner, closed = _parse(tokens)
            if not closed:
                raise ValueError("a '[' that nothing closes")
            parts.append(partial(_show_if_given, inner))
        else:
            return partial(_show_all, parts), True
    return partial(_show_all, parts), False


def _show_text(text: str, _: Arguments) -> _Shown:
    return text, False


def _show_if_given(part: _Part, arguments: Arguments) -> _Shown:
    text, is_given = part(arguments)
    return (text, True) if is_given else ("", False)


def _show_all(parts: Sequence[_Part], arguments: Arguments) -> _Shown:
    shown = [part(arguments) for part in parts]
    return "".join(text for text, _ in shown), any(is_given for _, is_given in shown)


def _argument_names(field: str) -> list[str]:
    """The arguments that a field may show."""
    if field.startswith("date:"):
        return ["1", "2", "3"]
    return [name for name in field.partition(":")[0].split("|") if not name.startswith("=")]


def _read_field(field: str) -> _Part:
    """What stands between braces."""
    if field.startswith("date:"):
        return partial(_show_date, field.removeprefix("date:"))
    names, _, kind = field.partition(":")
    return partial(_show_argument, names.split("|"), kind == "number")


def _show_argument(names: Sequence[str], is_number: bool, arguments: Arguments) -> _Shown:
    for name in names:
        if name.startswith("="):
            return name[1:], False
        if name == "all":
            text = "".join(arguments)
        else:
            text = arguments[int(name)] if name.isdecimal() else arguments.get(name)
        if text:
            return (format_number(text, arguments.language.numbers) if is_number else text), True
    return "", False


def _show_date(order: str, arguments: Arguments) -> _Shown:
    """Day, month and year in the order given: in words if all are numbers."""
    given = [arguments[index] for index in (1, 2, 3)]
    letter_to_part = dict(zip(order, given, strict=True))
    text = show_date(arguments.language.code, *(letter_to_part[letter] for letter in "ymd"))
    return text or " ".join(filter(None, given)), any(given)


def show_date(code: str, year: str, month: str, day: str) -> str:
    """Return a numeric date in words; "" if the text is not a numeric date."""
    parts = [int(part) if part.isdecimal() and len(part) < 5 else 0 for part in (year, month, day)]
    if any(bool(text) != bool(part) for text, part in zip((year, month, day), parts, strict=True)):
        return ""
    try:
        return cldr.format_date(code, *parts)
    except ValueError:
        return ""
