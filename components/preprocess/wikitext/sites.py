"""What is known of the wiki that a dump is of."""

import html
import re
from dataclasses import dataclass

from components.preprocess.languages.facts import Language, find_language, normalize_name

_LANGUAGE = re.compile(r'<mediawiki\b[^>]*\bxml:lang="([^"]+)"')
_NAMESPACE = re.compile(r'<namespace key="(-?\d+)"[^>]*>([^<]+)</namespace>')
_ARTICLES, _FILES, _CATEGORIES = "0", "6", "14"


@dataclass(frozen=True)
class Site:
    """What the head of a dump says about its wiki, and what is known of its language."""

    file_names: frozenset[str]
    """Names of the namespaces of files (`file`, `image`, `datei`), in lower case."""
    category_names: frozenset[str]
    """Names of the namespace of categories, in lower case."""
    language: str = "en"
    """Code of the wiki's language."""
    other_names: frozenset[str] = frozenset()
    """Names of all namespaces but that of articles, in lower case."""

    @property
    def facts(self) -> Language:
        """What is known of the wiki's language."""
        return find_language(self.language)


def read_site(head: str) -> Site:
    """The names of namespaces: those in a dump's head, and those that it does not list."""
    match = _LANGUAGE.search(head)
    language = match[1] if match else "en"
    facts = find_language(language)
    key_to_names: dict[str, set[str]] = {}
    for key, name in _NAMESPACE.findall(head):
        key_to_names.setdefault(key, set()).add(normalize_name(html.unescape(name)))
    files = facts.file_names | key_to_names.get(_FILES, set())
    categories = facts.category_names | key_to_names.get(_CATEGORIES, set())
    listed = {name for key, names in key_to_names.items() if key != _ARTICLES for name in names}
    return Site(
        files, categories, language, frozenset(listed | files | categories | facts.media_names)
    )
