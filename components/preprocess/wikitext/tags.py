"""Comments and the elements of wikitext whose content is not wikitext."""

import re

# Elements that go with all they hold.
_DROPPED = (
    "ref", "references", "gallery", "math", "chem", "ce", "timeline", "imagemap", "score",
    "graph", "syntaxhighlight", "source", "hiero", "templatedata", "templatestyles", "mapframe",
    "maplink", "inputbox", "categorytree", "includeonly", "section", "indicator", "table",
    "style", "script",
)  # fmt: skip
_LITERAL = "nowiki"
_OPENING = re.compile(rf"<!--|<({'|'.join((*_DROPPED, _LITERAL))})\b([^<>]*)>", re.IGNORECASE)
_STRAY = re.compile(rf"</?(?:{'|'.join((*_DROPPED, _LITERAL))})\b[^<>]*>", re.IGNORECASE)
_CLOSING = {name: re.compile(rf"</{name}\s*>", re.IGNORECASE) for name in (*_DROPPED, _LITERAL)}

# Between a number and a fraction: a space after a digit, else nothing.
GAP = "\uf8be"
# An empty <nowiki/>: keeps what is on its two sides from being read together.
_EMPTY = "\uf8bf"
_GAP_AFTER_DIGIT = re.compile(rf"(?<=\d){GAP}")

# What <nowiki> protects from being read as markup waits in private code points.
_MARKUP = "[]{}|<>'=*#:;&_-!"
_PROTECT = {ord(character): 0xF8A0 + index for index, character in enumerate(_MARKUP)}
_RESTORE: dict[int, int | None] = {
    **{private: ord(_MARKUP[private - 0xF8A0]) for private in _PROTECT.values()},
    ord(_EMPTY): None,
    ord(GAP): None,
}


def drop_elements(text: str) -> str:
    """Take out comments, references, formulas and the like; protect what <nowiki> holds."""
    pieces = []
    position = 0
    # Looked for once and not found: without this, many openings would each scan to the end.
    never_closed: set[str] = set()
    while opening := _OPENING.search(text, position):
        pieces.append(text[position : opening.start()])
        position = opening.end()
        name = (opening[1] or "").lower()
        if not name:
            end = text.find("-->", position)
            position = len(text) if end < 0 else end + 3
        elif opening[2].endswith("/"):
            pieces.append(_EMPTY if name == _LITERAL else "")
        elif name not in never_closed:
            closing = _CLOSING[name].search(text, position)
            if closing is None:
                never_closed.add(name)
                continue
            if name == _LITERAL:
                pieces.append(protect(text[position : closing.start()]) or _EMPTY)
            position = closing.end()
    pieces.append(text[position:])
    return _STRAY.sub("", "".join(pieces))


def protect(text: str) -> str:
    """Text that won't be read as markup until `restore_literals`."""
    return text.translate(_PROTECT)


def restore_literals(text: str) -> str:
    """Give back what <nowiki> protected, and a space where a fraction follows a number."""
    if text.isascii():
        return text
    return _GAP_AFTER_DIGIT.sub(" ", text).translate(_RESTORE)
