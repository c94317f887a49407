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
    word_to_count = Counter(_WORD.findall(text))
    rare = frozenset(word for word, count in word_to_count.items() if count == 1)
    first, last = text.index("<page>"), text.rindex("</page>") + len("</page>")
    pages = _PAGE.findall(text)
    num_bytes = 0
    with target.open("wb") as output:
        for part in (text[:first], *_make_streams(pages, num_copies, rare), text[last:]):
            data = part.encode()
            num_bytes += len(data)
            output.write(bz2.compress(data))
    return num_bytes


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
    letters = "".join(chr(ord("a") + int(digit)) for digit in str(copy))
    page = _WORD.sub(lambda word: word[0] + letters if word[0] in rare else word[0], page)
    return _TEXT.sub(rf"\1This is copy {copy} of the article.\n\n", page)
