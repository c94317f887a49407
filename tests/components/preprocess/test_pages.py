import pytest

from components.preprocess.pages import MAX_PAGE_BYTES, Page, parse_page


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


def test_newest_of_several_revisions_counts():
    """An export with history holds the newest revision last."""
    xml = make("Old.").replace(
        b"</revision>", b"</revision><revision><id>9</id><text>New.</text></revision>"
    )

    assert read(xml).wikitext == "New."


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
        (make("#weiterleitung [[Other]]"), "redirect"),
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
        (make(page_id="").replace(b"<id>8</id>", b""), "broken"),
        (make("\xff").replace("\xff".encode(), b"\xff"), "broken"),
        (b"<page></page>", "broken"),
        (b"<page>" + b"x" * MAX_PAGE_BYTES, "too long"),
    ],
)
def test_page_that_is_no_article_has_its_reason(xml, reason):
    """What is left out is counted by its reason."""
    assert parse_page(xml) == reason


def test_article_named_after_a_kind_of_page_stays():
    """Only the words in brackets tell the kind."""
    assert read(make(title="Word-sense disambiguation")).title == "Word-sense disambiguation"


@pytest.mark.parametrize(
    "text", ["{{disambiguation needed}}", "{{dabbing}}", "# [[A list item]]", "#1 is [[first]]"]
)
def test_article_that_looks_like_another_kind_stays(text):
    """A template of a similar name or a list makes no other kind of page."""
    assert read(make(text)).wikitext == text
