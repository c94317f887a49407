import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from components.preprocess.text import articles
from components.preprocess.text.articles import read_document
from components.preprocess.text.sentences import SentenceSplitter
from components.preprocess.wikitext.sites import Site

# Wikitext as XML has it: UTF-8, in which only references can stand for half a surrogate pair.
XML_FRAGMENTS = (
    *("&#xD800;", "&#55357;&#56832;", "&amp;#xDFFF;", "&amp;#x0000d800;", "&#x110000;", "&#0;"),
    *("{{", "}}", "[[", "]]", "|", "''", "\n\n", "== ", "* ", "&lt;ref&gt;", "&lt;/ref&gt;", ". "),
    *("{{lang|", "{{convert|", "[[File:", "{|\n", "\n|}", "&lt;nowiki&gt;", "&lt;math&gt;"),
)
CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="<>&")
SITE = Site(frozenset({"file"}), frozenset({"category"}))


def test_article_is_read_as_sentences(make_page):
    """Paragraphs are split, and none runs over into the next."""
    page = make_page(7, "== Head ==\nOne is here. Two is ''there''.\n\nThree")

    article = read_document(page.encode(), SITE, SentenceSplitter())

    assert article == (7, b"Head\nOne is here.\nTwo is there.\nThree")


def test_without_a_splitter_paragraphs_stay_whole(make_page):
    """Counting words needs no sentences."""
    page = make_page(7, "One is here. Two is there.\n\nThree")

    assert read_document(page.encode(), SITE) == (7, b"One is here. Two is there.\nThree")


@pytest.mark.parametrize(
    ("text", "reason"),
    [("", "no text"), ("{{Infobox|a=b}}", "no text"), ("#REDIRECT [[A]]", "redirect")],
)
def test_page_without_text_has_its_reason(make_page, text, reason):
    """An article of which nothing remains is counted."""
    assert read_document(make_page(7, text).encode(), SITE) == reason


def test_page_that_breaks_the_cleaner_costs_itself_only(make_page, monkeypatch):
    """One strange page of millions is counted, and the run goes on."""

    def fail(*_):
        raise IndexError

    monkeypatch.setattr(articles, "clean_page", fail)

    assert read_document(make_page(7, "Text.").encode(), SITE) == "failed"


@settings(max_examples=500)
@given(st.lists(st.one_of(st.sampled_from(XML_FRAGMENTS), st.text(CHARACTERS, max_size=9))))
@example(["One &#xD800; is. ", "&amp;#xDFFF; two."])
def test_every_page_gives_sentences_that_utf8_holds(fragments):
    """Whatever its markup and its references stand for; no page fails."""
    text = "".join(fragments)
    page = f"<page><title>&#xD800;</title><id>7</id><text>{text}</text></page>"

    article = read_document(page.encode(), SITE, SentenceSplitter())

    if isinstance(article, str):
        assert article in ("no text", "redirect", "disambiguation")
    else:
        "".join(article.sentences).encode("utf-8")


def test_half_a_surrogate_pair_in_a_page_is_replaced(make_page):
    """By the XML's reference and by the wikitext's own; both halves of a pair are two."""
    page = make_page(7, "A&#xD800;B &amp;#xDFFF; C&#55357;&#56832;.")

    assert read_document(page.encode(), SITE) == (7, "A\ufffdB \ufffd C\ufffd\ufffd.".encode())
