"""What is known of the wiki that a dump is of."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Site:
    """What the head of a dump says about its wiki."""

    file_names: frozenset[str]
    """Lower-case names of the namespaces of files (`file`, `image`, `datei`)."""
    category_names: frozenset[str]
    """Lower-case names of the namespace of categories."""
    language: str = "en"
    """Code of the wiki's language."""
