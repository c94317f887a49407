import pytest

from components.preprocess import articles
from components.preprocess.articles import read_article
from components.preprocess.sentences import SentenceSplitter
from components.preprocess.sites import Site

SITE = Site(frozenset({"file"}), frozenset({"category"}))


def test_article_is_read_as_sentences(make_page):
    """Paragraphs are split, and none runs over into the next."""
    page = make_page(7, "== Head ==\nOne is here. Two is ''there''.\n\nThree")

    article = read_article(page.encode(), SITE, SentenceSplitter())

    assert article == (7, ["Head", "One is here.", "Two is there.", "Three"])


def test_without_a_splitter_paragraphs_stay_whole(make_page):
    """Counting words needs no sentences."""
    page = make_page(7, "One is here. Two is there.\n\nThree")

    assert read_article(page.encode(), SITE) == (7, ["One is here. Two is there.", "Three"])


@pytest.mark.parametrize(
    ("text", "reason"),
    [("", "no text"), ("{{Infobox|a=b}}", "no text"), ("#REDIRECT [[A]]", "redirect")],
)
def test_page_without_text_has_its_reason(make_page, text, reason):
    """An article of which nothing remains is counted."""
    assert read_article(make_page(7, text).encode(), SITE) == reason


def test_page_that_breaks_the_cleaner_costs_itself_only(make_page, monkeypatch):
    """One strange page of millions is counted, and the run goes on."""

    def fail(*_):
        raise IndexError

    monkeypatch.setattr(articles, "clean_page", fail)

    assert read_article(make_page(7, "Text.").encode(), SITE) == "failed"
