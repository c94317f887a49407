"""Facts about a language's wiki, from the TOML files beside this module.

A language with a file of its own (`de.toml`) has all its facts there. The others share
`namespaces.toml`, and take the rest from CLDR. README.md says how to add a language.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from components.preprocess.languages import cldr

_FOLDER = Path(__file__).parent
_NAMESPACES = "namespaces.toml"


@dataclass(frozen=True)
class NumberFormat:
    """How the wiki's software writes numbers."""

    group: str = ","
    decimal: str = "."
    group_sizes: tuple[int, int] = (3, 3)
    """Digits of the last group, and of those before it."""
    least_grouped: int = 1
    """Digits that the first group needs: with 2, 1234 stays as it is."""


@dataclass(frozen=True)
class SentenceRules:
    """What the sentence splitter is corrected by."""

    abbreviations: frozenset[str] = frozenset()
    """Words before a point that does not end the sentence."""
    before_numbers: frozenset[str] = frozenset()
    """Those that are abbreviations where a number follows."""
    endings: re.Pattern[str] | None = None
    """What ends a sentence if a point and a capital letter follow: `1990 г`."""
    ordinals: bool = False
    """Whether a point after a number makes it an ordinal: `19. Jahrhundert`."""
    openers: frozenset[str] = frozenset()
    """Words that open a sentence, even after a number with a point."""
    continuations: tuple[str, ...] = ()
    """What goes on with the sentence after a closing bracket."""

    @cached_property
    def inner_endings(self) -> re.Pattern[str] | None:
        """The endings, and numbers before a word that opens a sentence."""
        endings = [rf"(?:{self.endings.pattern})\.(?=\s)"] if self.endings is not None else []
        if self.openers:
            endings.append(rf"[0-9IVXLC]\.(?=\s+(?:{'|'.join(sorted(self.openers))})\b)")
        return re.compile("|".join(endings)) if endings else None


@dataclass(frozen=True)
class Language:
    """What is known of a language and its wiki."""

    code: str
    file_names: frozenset[str] = frozenset()
    """Names of namespaces, as `normalize_name` makes them."""
    media_names: frozenset[str] = frozenset()
    category_names: frozenset[str] = frozenset()
    redirect_words: frozenset[str] = frozenset({"redirect"})
    """In lower case, without `#`."""
    numbers: NumberFormat = NumberFormat()
    variants: tuple[str, ...] = ()
    """Codes of the variants in -{…}-, the one to show first."""
    shows: Mapping[str, str] = field(default_factory=dict)
    """By a template's name in lower case, the pattern of what it shows (patterns.py)."""
    shows_its_name: re.Pattern[str] | None = None
    """Names of templates that show just their name."""
    countries_by_name: bool = False
    """Whether a template that is called like a country shows its name."""
    sentences: SentenceRules = SentenceRules()

    @property
    def is_english(self) -> bool:
        """Whether the templates of the English Wikipedia mean here what they mean there."""
        return self.code in ("en", "simple")


def normalize_name(name: str) -> str:
    """A namespace's name as MediaWiki compares it: no case, marks of direction or extra spaces."""
    return fold_case(" ".join(_DIRECTION_MARKS.sub("", name).replace("_", " ").split()))


def fold_case(text: str) -> str:
    """Lower case, with a plain i for the Turkish İ, whose dot Python keeps as a mark of its own."""
    return text.lower().replace("i\u0307", "i")


_DIRECTION_MARKS = re.compile("[\u200e\u200f\u202a-\u202e]")


@cache
def find_language(code: str) -> Language:
    """The facts about a language, by the code in a dump: `de`, `zh-yue`, `pt-BR`.

    A code that is not known has MediaWiki's English names, and CLDR's numbers.
    """
    code = code.lower()
    base = code if code in wiki_codes() else code.partition("-")[0]
    path = _FOLDER / f"{base}.toml"
    known = base.isalpha() and path.exists()
    facts = _read(path.name) if known else {"namespaces": _read(_NAMESPACES).get(base, {})}
    return _make_language(base, facts)


@cache
def wiki_codes() -> frozenset[str]:
    """The codes of all wikis: what a link to another language begins with."""
    own = {path.stem for path in _FOLDER.glob("*.toml") if path.name != _NAMESPACES}
    return frozenset({*_read(_NAMESPACES), *own, "simple"})


@cache
def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((_FOLDER / name).read_text(encoding="utf-8"))


def _make_language(code: str, facts: Mapping[str, Any]) -> Language:
    namespaces, templates = facts["namespaces"], facts.get("templates", {})
    words = facts.get("redirect", namespaces.get("redirect", ()))
    shows_its_name = templates.get("shows_its_name")
    return Language(
        code,
        file_names=_names(("file", "image"), namespaces.get("file", ())),
        media_names=_names(("media",), namespaces.get("media", ())),
        category_names=_names(("category",), namespaces.get("category", ())),
        redirect_words=frozenset({"redirect", *map(fold_case, words)}),
        numbers=_make_numbers(code, facts.get("numbers")),
        variants=tuple(facts.get("variants", {}).get("order", ())),
        shows={fold_case(name): pattern for name, pattern in templates.get("shows", {}).items()},
        shows_its_name=re.compile(shows_its_name) if shows_its_name else None,
        countries_by_name=templates.get("countries_by_name", False),
        sentences=_make_rules(facts.get("sentences", {})),
    )


def _names(english: Sequence[str], own: Sequence[str]) -> frozenset[str]:
    return frozenset({*english, *map(normalize_name, own)})


def _make_numbers(code: str, facts: Mapping[str, Any] | None) -> NumberFormat:
    if facts is None:
        return NumberFormat(*cldr.number_signs(code))
    last, others = facts.get("group_sizes", (3, 3))
    least_grouped = facts.get("least_grouped", 1)
    return NumberFormat(facts["group"], facts["decimal"], (last, others), least_grouped)


def _make_rules(facts: Mapping[str, Any]) -> SentenceRules:
    endings = facts.get("endings")
    return SentenceRules(
        frozenset(facts.get("abbreviations", ())),
        frozenset(facts.get("before_numbers", ())),
        re.compile(endings) if endings else None,
        facts.get("ordinals", False),
        frozenset(facts.get("openers", ())),
        tuple(facts.get("continuations", ())),
    )
