"""Articles: pages of a dump as sentences, and the reasons of those left out."""

import logging
from collections.abc import Sequence
from typing import NamedTuple

from components.preprocess.dump.pages import EMPTY, FAILED, parse_page
from components.preprocess.text.sentences import SentenceSplitter
from components.preprocess.wikitext.clean import clean_page
from components.preprocess.wikitext.sites import Site

_logger = logging.getLogger(__name__)


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
