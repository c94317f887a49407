import time

import pytest

from components.preprocess.dump.pages import Page
from components.preprocess.dump.pages import parse_page as parse_page_of
from components.preprocess.wikitext.sites import read_site

SITE = read_site(
    '<mediawiki xml:lang="de"><namespace key="0" case="first-letter" />'
    '<namespace key="1" case="x">Diskussion</namespace><namespace key="4">Wikipedia</namespace>'
)


def parse_page(xml):
    return parse_page_of(xml, SITE)


def make(text="Text.", *, title="Ely", namespace="<ns>0</ns>", extra="", page_id="<id>7</id>"):
    return (
        f"<page><title>{title}</title>{namespace}{page_id}{extra}<revision><id>8</id>"
        f'<text bytes="5" xml:space="preserve">{text}</text></revision></page>'
    ).encode()


def read(xml):
    page = parse_page(xml)
    assert isinstance(page, Page)
    return page


def test_article_has_id_title_and_text():
    """The page's own id counts, not its revision's."""
    assert parse_page(make()) == (7, "Ely", "Text.")


def test_xml_is_unescaped_once():
    """&amp;nbsp; is the wikitext &nbsp;, which stays for the cleaner."""
    page = parse_page(
        make("&lt;b&gt; &quot;x&quot; &amp;nbsp; &amp;lt; &#65;&#x42;", title="A&amp;B")
    )

    assert page[1:] == ("A&B", '<b> "x" &nbsp; &lt; AB')


def make_revision(text, timestamp):
    return (
        f"<revision><id>9</id><timestamp>{timestamp}</timestamp><text>{text}</text>"
        "<sha1>x</sha1><model>wikitext</model></revision>"
    )


OLD, NEW = (
    make_revision("Old.", "2020-01-01T00:00:00Z"),
    make_revision("New.", "2021-01-01T00:00:00Z"),
)
UPLOAD = "<upload><timestamp>2026-01-01T00:00:00Z</timestamp><text>An upload.</text></upload>"


COMMENT = (
    "<!-- <revision><timestamp>2026-01-01T00:00:00Z</timestamp><text>No.</text></revision> -->"
)


@pytest.mark.parametrize(
    "content",
    [
        OLD + NEW,
        NEW + OLD,
        NEW + OLD + UPLOAD,
        UPLOAD + OLD + NEW,
        OLD + UPLOAD + NEW,
        NEW + COMMENT + OLD,
        COMMENT + OLD + NEW,
    ],
)
def test_newest_revision_counts(content):
    """By its timestamp, in whatever order an export has them, and whatever stands between."""
    xml = f"<page><title>A</title><ns>0</ns><id>1</id>{content}</page>".encode()

    assert read(xml) == (1, "A", "New.")


def test_model_after_the_text_counts():
    """Where exports up to version 0.9 have it."""
    xml = f"<page><title>A</title><id>1</id>{NEW.replace('wikitext', 'css')}</page>".encode()

    assert parse_page(xml) == "not an article"


def test_page_without_a_number_has_one_of_its_title():
    """The schema lets <id> go; a revision's is not the page's."""
    first, again, other = (read(make(page_id="", title=title)).page_id for title in ("A", "A", "B"))

    assert first == again != other
    assert first != 8


def test_page_does_not_take_the_number_of_what_it_holds():
    """An upload has those of its own, and a contributor's."""
    upload = "<upload><contributor><id>55</id></contributor></upload>"

    assert read(make(page_id="", extra=upload)).page_id == read(make(page_id="")).page_id


NASTY = ["<!--", "<![CDATA[", "<timestamp>" + " " * 1000, "<text ", "<revision>", "<id> ", "&#"]


@pytest.mark.parametrize("xml", NASTY, ids=lambda xml: repr(xml[:12]))
def test_time_is_linear_in_the_xml_of_a_page(xml):
    """Whatever an export made elsewhere holds 1 MB of."""
    page = make().replace(b"<revision>", b"<revision>" + xml.encode() * (1_000_000 // len(xml)))
    started = time.process_time()

    for _ in range(2):  # as one revision, and as one of two
        parse_page(page)
        page = page.replace(b"</revision>", b"</revision><revision></revision>")

    assert time.process_time() - started < 5


def test_character_data_is_text_as_it_stands():
    """CDATA needs no escapes."""
    page = read(make("<![CDATA[a <b>c</b> &amp; [[d]]]]>", title="<![CDATA[A & B]]>"))

    assert page == (7, "A & B", "a <b>c</b> &amp; [[d]]")


def test_title_with_a_colon_is_no_namespace_by_itself():
    """Where <ns> is missing, the prefixes that siteinfo lists decide."""
    assert read(make(namespace="", title="UFO: Die Serie")).title == "UFO: Die Serie"


def test_old_export_without_namespaces_is_read():
    """<ns> came with version 0.6 of the format."""
    assert read(make(namespace="")).title == "Ely"


def test_empty_text_is_an_article_without_text():
    """<text /> is not broken."""
    xml = b'<page><title>A</title><ns>0</ns><id>1</id><text bytes="0" /></page>'

    assert read(xml).wikitext == ""


@pytest.mark.parametrize(
    ("xml", "reason"),
    [
        (make(namespace="<ns>14</ns>"), "not an article"),
        (make(extra='<redirect title="Other" />'), "redirect"),
        (make("#REDIRECT [[Other]]"), "redirect"),
        (make("#WEITERLEITUNG [[Other]]"), "redirect"),
        (make("'''Ely''' may be: {{disambiguation}}"), "disambiguation"),
        (make("{{Disambig|geo}}"), "disambiguation"),
        (make("{{Human name disambiguation}}"), "disambiguation"),
        (make("{{Begriffsklärung}}"), "disambiguation"),
        (make(title="Ely (disambiguation)"), "disambiguation"),
        (make("{{Homonymie}}"), "disambiguation"),
        (make("{{aimai}}"), "disambiguation"),
        (make("{{동음이의}}"), "disambiguation"),
        (make(title="Wien (Begriffsklärung)"), "disambiguation"),
        (make(title="東京 (曖昧さ回避)"), "disambiguation"),
        (make(extra="<model>css</model>"), "not an article"),
        (make().replace(b"</text>", b""), "broken"),
        (make().replace(b"<title>Ely</title>", b""), "broken"),
        (make().replace(b"</page>", b""), "broken"),
        (make("#REDIRECT: [[Other]]"), "redirect"),
        (make(namespace="", title="Diskussion:Ely"), "not an article"),
        (make(namespace="", title="wikipedia: Ely"), "not an article"),
        (make(namespace="", title="Kategorie:Ely"), "not an article"),
        (make("\xff").replace("\xff".encode(), b"\xff"), "broken"),
        (b"<page></page>", "broken"),
    ],
)
def test_page_that_is_no_article_has_its_reason(xml, reason):
    """What is left out is counted by its reason."""
    assert parse_page(xml) == reason


@pytest.mark.parametrize("word", ["YÖNLENDİRME", "yönlendirme", "YÖNLENDİR", "Redirect"])
def test_redirect_is_told_in_turkish_capitals(word):
    """Whose İ is an i, though Python makes two characters of it."""
    site = read_site('<mediawiki xml:lang="tr">')

    assert parse_page_of(make(f"#{word} [[Ely]]"), site) == "redirect"


def test_article_named_after_a_kind_of_page_stays():
    """Only the words in brackets tell the kind."""
    assert read(make(title="Word-sense disambiguation")).title == "Word-sense disambiguation"


@pytest.mark.parametrize(
    "text",
    [
        "{{disambiguation needed}}",
        "{{dabbing}}",
        "# [[A list item]]",
        "#1 is [[first]]",
        "# Kaiser [[Karl]]",
        "#Kaiser [[Karl]]",
        "# redirect [[as a list item]]",
    ],
)
def test_article_that_looks_like_another_kind_stays(text):
    """A template of a similar name or a list makes no other kind of page."""
    assert read(make(text)).wikitext == text
