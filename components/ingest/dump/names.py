"""Names of dumps: enwiki-latest, enwiki-20261001, simplewiki-content-latest."""

import re
from dataclasses import dataclass

_NAME = re.compile(r"(?P<wiki>[a-z][a-z0-9_]*)-(?P<content>content-)?(?P<date>latest|\d{8})")


@dataclass(frozen=True)
class DumpName:
    """Which dump of which wiki."""

    wiki: str
    """The database's name, as enwiki."""
    date: str
    """YYYYMMDD, or latest."""
    is_content: bool
    """Whether one of the newer content exports is meant."""

    def __str__(self) -> str:
        return self.with_date(self.date)

    def with_date(self, date: str) -> str:
        """The name of the same wiki's dump of another day."""
        return f"{self.wiki}-{'content-' if self.is_content else ''}{date}"


def parse_dump_name(text: str) -> DumpName | None:
    """The dump that a text names, None if it is no such name."""
    match = _NAME.fullmatch(text.strip())
    return match and DumpName(match["wiki"], match["date"], bool(match["content"]))
