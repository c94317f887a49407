"""Articles: pages of a dump and records of text files as sentences, or why they are left out."""

import logging
from collections.abc import Sequence
from typing import NamedTuple

from components.preprocess.dump.pages import parse_page
from components.preprocess.outcomes import EMPTY, FAILED
from components.preprocess.rows.hashing import hash_bytes
from components.preprocess.text.sentences import SentenceSplitter
from components.preprocess.text_files.records import Record, TextSource, read_record
from components.preprocess.wikitext.clean import clean_page
from components.preprocess.wikitext.sites import Site

_logger = logging.getLogger(__name__)


class Article(NamedTuple):
    """The sentences of a page or a record."""

    id: int
    """A page's own; of a record, a hash of its text, whatever its place and form."""
    text: bytes
    """In UTF-8, a sentence a line: quick to hand to another process and to the tokenizer."""

    @property
    def sentences(self) -> list[str]:
        """Each sentence as text."""
        return self.text.decode().split("\n")


def read_document(
    item: bytes | str | Record, source: Site | TextSource, splitter: SentenceSplitter | None = None
) -> Article | str:
    """The sentences of an item of a batch; for one without any, the reason in a word or two.

    Without a splitter, paragraphs stand for sentences.
    """
    if isinstance(item, str):
        return item
    try:
        if isinstance(item, Record):
            assert isinstance(source, TextSource)
            return _read_record(item, source, splitter)
        assert isinstance(source, Site)
        return _read_page(item, source, splitter)
    except MemoryError:
        raise  # whoever set the limit knows what to make of it
    except Exception:
        shown = item.data if isinstance(item, Record) else item
        _logger.warning("a document could not be read: %r…", shown[:200], exc_info=True)
        return FAILED


def _read_page(xml: bytes, site: Site, splitter: SentenceSplitter | None) -> Article | str:
    page = parse_page(xml, site)
    if isinstance(page, str):
        return page
    paragraphs = clean_page(page.wikitext, page.title, site)
    return _make_article(page.page_id, _split(paragraphs, site.language, splitter))


def _read_record(
    record: Record, source: TextSource, splitter: SentenceSplitter | None
) -> Article | str:
    paragraphs = read_record(record, source)
    if isinstance(paragraphs, str):
        return paragraphs
    if source.form == "sentences":
        splitter = None
    # A page's number has at most 63 bits, too.
    id_ = hash_bytes("\n".join(paragraphs).encode()) >> 1
    return _make_article(id_, _split(paragraphs, source.language, splitter))


def _split(
    paragraphs: Sequence[str], language: str, splitter: SentenceSplitter | None
) -> Sequence[str]:
    if splitter is None:
        return paragraphs
    return splitter.split_all(paragraphs, language)


def _make_article(id_: int, sentences: Sequence[str]) -> Article | str:
    return Article(id_, "\n".join(sentences).encode()) if sentences else EMPTY
