"""Corpora for the benchmarks: a dump's pages again and again, as other pages."""

import bz2
import re
from collections import Counter
from collections.abc import Container, Iterator
from pathlib import Path

_PAGE = re.compile(r"<page>.*?</page>", re.DOTALL)
_TITLE = re.compile(r"<title>")
_ID = re.compile(r"<id>(\d+)</id>")
_TEXT = re.compile(r"(<text\b[^>]*[^/]>)(?!#)")
# Words of prose: what stands in markup keeps its meaning.
_WORD = re.compile(r"(?<= )[a-z]{4,}(?=[ ,.])")
# As in Wikimedia's multistream dumps.
_PAGES_PER_STREAM = 100
_ID_STEP = 1_000_000_000


def repeat_dump(source: Path, target: Path, num_copies: int) -> int:
    """Write a multistream dump with each page several times; returns its bytes of XML.

    A copy has an id, a title and a first sentence of its own, so that it is no duplicate, and
    in place of the words that occur once in the source it has words that occur nowhere else:
    a large corpus is never without new words, which no cache can hold beforehand.
    """
    with bz2.open(source, "rt", encoding="utf-8") as file:
        text = file.read()
    rare = _find_rare(text)
    first, last = text.index("<page>"), text.rindex("</page>") + len("</page>")
    pages = _PAGE.findall(text)
    num_bytes = 0
    with target.open("wb") as output:
        for part in (text[:first], *_make_streams(pages, num_copies, rare), text[last:]):
            data = part.encode()
            num_bytes += len(data)
            output.write(bz2.compress(data))
    return num_bytes


def repeat_text(source: Path, target: Path, num_copies: int) -> int:
    """Write a text's articles, which empty lines part, several times; returns its bytes.

    As `repeat_dump` does: a copy has a first sentence and rare words of its own.
    """
    text = source.read_text(encoding="utf-8")
    rare = _find_rare(text)
    num_bytes = 0
    with target.open("wb") as output:
        for copy in range(num_copies):
            copied = _rename_words(text, copy, rare) if copy else text
            for article in filter(None, map(str.strip, copied.split("\n\n"))):
                data = f"This is copy {copy} of the article.\n{article}\n\n".encode()
                num_bytes += output.write(data)
    return num_bytes


def _find_rare(text: str) -> Container[str]:
    """The words that occur once."""
    word_to_count = Counter(_WORD.findall(text))
    return frozenset(word for word, count in word_to_count.items() if count == 1)


def _rename_words(text: str, copy: int, rare: Container[str]) -> str:
    """Give a copy words of its own in place of the rare ones."""
    letters = "".join(chr(ord("a") + int(digit)) for digit in str(copy))
    return _WORD.sub(lambda word: word[0] + letters if word[0] in rare else word[0], text)


def _make_streams(pages: list[str], num_copies: int, rare: Container[str]) -> Iterator[str]:
    for copy in range(num_copies):
        for start in range(0, len(pages), _PAGES_PER_STREAM):
            stream = pages[start : start + _PAGES_PER_STREAM]
            yield "\n  ".join(_rename(page, copy, rare) for page in stream) + "\n  "


def _rename(page: str, copy: int, rare: Container[str]) -> str:
    if not copy:
        return page
    page = _TITLE.sub(f"<title>{copy} ", page, count=1)
    page = _ID.sub(lambda id_: f"<id>{int(id_[1]) + copy * _ID_STEP}</id>", page, count=1)
    page = _rename_words(page, copy, rare)
    return _TEXT.sub(rf"\1This is copy {copy} of the article.\n\n", page)
