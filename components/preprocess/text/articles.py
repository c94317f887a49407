"""Articles: pages of a dump as sentences, and the reasons of those left out."""

import logging
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from components.preprocess.dump.files import Part
from components.preprocess.dump.pages import EMPTY, FAILED, parse_page
from components.preprocess.dump.reading import read_pages
from components.preprocess.text.sentences import SentenceSplitter
from components.preprocess.wikitext.clean import clean_page
from components.preprocess.wikitext.sites import Site

_logger = logging.getLogger(__name__)


class PageBatch(NamedTuple):
    """Some pages as they stand in the dump: handing on one by one would cost more."""

    site: Site
    pages: list[bytes]


class Article(NamedTuple):
    """The sentences of an article."""

    page_id: int
    sentences: Sequence[str]


def read_article(xml: bytes, site: Site, splitter: SentenceSplitter | None = None) -> Article | str:
    """The sentences of a page; for one that is no article, the reason in a word or two.

    Without a splitter, paragraphs stand for sentences.
    """
    try:
        page = parse_page(xml, site)
        if isinstance(page, str):
            return page
        paragraphs = clean_page(page.wikitext, page.title, site)
        sentences = paragraphs
        if splitter is not None:
            sentences = [
                one for paragraph in paragraphs for one in splitter.split(paragraph, site.language)
            ]
        return Article(page.page_id, sentences) if sentences else EMPTY
    except MemoryError:
        raise  # whoever set the limit knows what to make of it
    except Exception:
        _logger.warning("a page could not be read: %r…", xml[:200], exc_info=True)
        return FAILED


BATCH_BYTES = 1_000_000


def read_batches(part: Part) -> Iterator[PageBatch]:
    """The pages of a part of the dump."""
    batch: list[bytes] = []
    num_bytes = 0
    for page in read_pages(part):
        batch.append(page)
        num_bytes += len(page)
        if num_bytes >= BATCH_BYTES:
            yield PageBatch(part.site, batch)
            batch, num_bytes = [], 0
    if batch:
        yield PageBatch(part.site, batch)
