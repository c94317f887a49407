"""The arguments of a template call: `{{name|first|second|key=value}}`."""

import re
from collections.abc import Callable, Iterator

from components.preprocess.languages.facts import Language, find_language

# No markup, and no longer than any that a template has.
_NAME = re.compile(r"[^={}<>\[\]|\n]{1,40}+")


class Arguments:
    """Positional and named arguments; each is turned into text once, when it is asked for."""

    def __init__(
        self, sources: list[str], to_text: Callable[[str], str], language: Language | None = None
    ) -> None:
        """Sort the arguments of a call; `language` is the wiki's, English where none is given."""
        self.language = language or find_language("en")
        self._key_to_source: dict[int | str, str] = {}
        self._key_to_text: dict[int | str, str] = {}
        self._to_text = to_text
        count = 0
        for source in sources:
            name, value = _split(source)
            if name is None:
                count += 1
                self._key_to_source[count] = source
            elif name.isdecimal() and len(name) < 4:
                self._key_to_source[int(name)] = value
            else:
                self._key_to_source[name.lower()] = value

    def __getitem__(self, index: int) -> str:
        """Return the text of a positional argument, counted from 1; "" if it is missing."""
        return self._text(index)

    def __iter__(self) -> Iterator[str]:
        """The texts of the positional arguments, in order."""
        return map(self._text, sorted(key for key in self._key_to_source if isinstance(key, int)))

    def get(self, *names: str) -> str:
        """The text of the first of these named arguments that is not empty."""
        return next(filter(None, map(self._text, names)), "")

    def last(self) -> str:
        """The last positional argument that is not empty: where the text of {{lang}} stands."""
        return next((text for text in reversed(list(self)) if text), "")

    def _text(self, key: int | str) -> str:
        if key not in self._key_to_text:
            source = self._key_to_source.get(key, "")
            self._key_to_text[key] = self._to_text(source).strip() if source else ""
        return self._key_to_text[key]


def _split(source: str) -> tuple[str | None, str]:
    """The name and the value of a named argument; no name for a positional one."""
    head, equals, value = source.partition("=")
    name = head.strip()
    if not equals or not _NAME.fullmatch(name):
        return None, source
    return name, value
