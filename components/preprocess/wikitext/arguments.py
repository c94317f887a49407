"""The arguments of a template call: `{{name|first|second|key=value}}`."""

import re
from collections.abc import Callable, Iterator

_NAMED = re.compile(r"\s*([^={}<>\[\]|\n]{1,40}?)\s*=(.*)", re.DOTALL)


class Arguments:
    """Positional and named arguments, turned into text only when asked for."""

    def __init__(self, sources: list[str], to_text: Callable[[str], str]) -> None:
        self._positional: dict[int, str] = {}
        self._named: dict[str, str] = {}
        self._to_text = to_text
        count = 0
        for source in sources:
            named = _NAMED.match(source) if "=" in source else None
            if named is None:
                count += 1
                self._positional[count] = source
            elif named[1].isdecimal() and len(named[1]) < 4:
                self._positional[int(named[1])] = named[2]
            else:
                self._named[named[1].lower()] = named[2]

    def __getitem__(self, index: int) -> str:
        """The text of a positional argument, counted from 1; "" where there is none."""
        return self._text(self._positional.get(index, ""))

    def __iter__(self) -> Iterator[str]:
        """The texts of the positional arguments, in order."""
        return (self[index] for index in sorted(self._positional))

    def get(self, *names: str) -> str:
        """The text of the first of these named arguments that is not empty."""
        for name in names:
            if text := self._text(self._named.get(name, "")):
                return text
        return ""

    def last(self) -> str:
        """The last positional argument that is not empty: where the text of {{lang}} stands."""
        return next((text for text in reversed(list(self)) if text), "")

    def _text(self, source: str) -> str:
        return self._to_text(source).strip()
