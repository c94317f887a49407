import pytest

from components.preprocess.wikitext.links import drop_web_links, read_link
from components.preprocess.wikitext.sites import read_site

SITE = read_site('<mediawiki xml:lang="pt"><namespace key="6" case="x">Ficheiro</namespace>')


@pytest.mark.parametrize(
    ("inner", "shown"),
    [
        ("Arquivo:a.jpg|thumb|b", ""),
        ("arquivo :a.jpg", ""),
        ("\u200fFicheiro:a.jpg|b", ""),
        ("Image:a.jpg", ""),
        ("CATEGORIA:A", ""),
        (":Categoria:A", "A"),
        (":Categoria:A|b", "b"),
        ("Multimédia:a.ogg|ouvir", "ouvir"),
        ("Media:a.ogg", "Media:a.ogg"),
        ("UFO: A Série", "UFO: A Série"),
        ("en:Cat", ""),
        ("be-x-old:Кот", ""),
        ("A:B|c", "c"),
    ],
)
def test_link_shows_what_a_reader_sees(inner, shown):
    """Namespaces go by all their names; titles with a colon stay."""
    assert read_link(inner, SITE) == shown


@pytest.mark.parametrize(
    ("wikitext", "shown"),
    [
        ("[mailto:a@b.org the desk]", "the desk"),
        ("[tel:+1 call]", "call"),
        ("[//a.org]", ""),
        ("[irc://a.org/b chat]", "chat"),
        ("[note: this]", "[note: this]"),
    ],
)
def test_web_link_shows_its_label(wikitext, shown):
    """Of every protocol that MediaWiki knows."""
    assert drop_web_links(wikitext) == shown
