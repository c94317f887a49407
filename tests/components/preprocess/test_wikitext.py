import bz2
import re
import time
from collections import Counter
from contextlib import suppress

import mwparserfromhell
import pytest

from components.preprocess.dump import Site
from components.preprocess.pages import parse_page
from components.preprocess.wikitext import clean_page

SITE = Site(
    file_names=frozenset({"file", "image", "media", "datei"}),
    category_names=frozenset({"category", "kategorie"}),
)

# Wikitext, and the text that a reader of the article sees, a paragraph each.
PASSAGES = {
    "links": (
        "A '''cat''' is a [[Felidae|small ''felid'']] kept by [[human]]s; see [[Cat#Diet]] and "
        "[[:Category:Cats|the list]].",
        ["A cat is a small felid kept by humans; see Cat#Diet and the list."],
    ),
    "files and categories": (
        "[[File:Cat.jpg|thumb|left|A [[cat]] with ''a [[mouse|small mouse]]'' ({{lang|fr|chat}})]]"
        "\nThe cat sat.\n[[Datei:Katze.jpg|mini]]\n\n[[Category:Cats|*]]\n[[Kategorie:Katzen]]\n"
        "[[de:Katze]]",
        ["The cat sat."],
    ),
    "references": (
        'It was built in 1889.<ref name="a">{{cite book|title=Towers|year=1990}}</ref><ref name=a/>'
        " It is tall.<ref group=\"n\">A note with a [[link]].</ref>{{sfn|Smith|1990|p=3}}"
        "{{citation needed|date=May 2010}}<references/>",
        ["It was built in 1889. It is tall."],
    ),
    "convert": (
        "The village lies about {{convert|5|km|mi|0}} west of [[Ely]], {{convert|1200|ft}} above "
        "the sea, and covers {{convert|2.5|km2}}. A {{convert|10|mi|km|adj=on}} road leads to it.",
        [
            "The village lies about 5 kilometres (3 mi) west of Ely, 1,200 feet (370 m) above the "
            "sea, and covers 2.5 square kilometres (0.97 sq mi). A 10-mile (16 km) road leads to "
            "it."
        ],
    ),
    "cvt and ranges": (
        "It grows {{cvt|30|-|50|cm}} tall and {{convert|2|to|3|m|sp=us}} wide, weighs "
        "{{cvt|80|kg|lb}}, and stands {{cvt|-5|C}} to {{cvt|30|C|F}}.",
        [
            "It grows 30–50 cm (12–20 in) tall and 2 to 3 meters (6.6 to 9.8 ft) wide, weighs 80 "
            "kg (180 lb), and stands −5 °C (23 °F) to 30 °C (86 °F)."
        ],
    ),
    "languages": (
        "'''Vienna''' ({{lang-de|Wien}}; {{langx|hu|Bécs|lit=old}}; {{lang|sl|Dunaj}}) and "
        "'''Moscow''' ({{lang|ru|Москва}}, {{transliteration|ru|Moskva}}; {{IPA|ru|mɐˈskva}}).",
        [
            "Vienna (German: Wien; Hungarian: Bécs, lit. 'old'; Dunaj) and Moscow (Москва, Moskva)."
        ],
    ),
    "nihongo": (
        "{{Nihongo|'''Tokyo'''|東京|Tōkyō|lit. 'eastern capital'}} is the seat of the "
        "{{nihongo||天皇|tennō}}.",
        ["Tokyo (東京, Tōkyō, lit. 'eastern capital') is the seat of the tennō (天皇)."],
    ),
    "as of": (
        "{{As of|2016|4}}, it had {{formatnum:12345}} members; {{as of|2017|lc=y}} it has "
        "{{nowrap|10 thousand}}, down {{small|sharply}} {{as of|2018|5|3|alt=by May}}.",
        [
            "As of April 2016, it had 12,345 members; as of 2017 it has 10 thousand, down sharply "
            "by May."
        ],
    ),
    "quotes": (
        "He said:\n{{quote|Be [[silence|silent]].|author=Anon|source=''Notes''}}\nNobody was.\n"
        "<blockquote>\nA line<br />and another.\n</blockquote>\nThe end.",
        [
            "He said:",
            "Be silent.",
            "— Anon, Notes",
            "Nobody was.",
            "A line and another.",
            "The end.",
        ],
    ),
    "tables and infoboxes": (
        "{{Infobox settlement\n| name = Ely\n| pop = {{nts|20112}}\n"
        "| note = {{plainlist|\n* a\n* b\n}}\n}}\n"
        "'''Ely''' is a city.\n{| class=\"wikitable\"\n|-\n! Year !! People\n|-\n| 1901 || 7713 "
        "{{increase}}\n{| class=inner\n| x\n|}\n|}\nIt has a cathedral.",
        ["Ely is a city.", "It has a cathedral."],
    ),
    "lists and headings": (
        "Intro.\n\n== Works ==\n=== Novels ===\n* ''First'' (1990)\n** [[Second (novel)|Second]]\n"
        "# One\n; Term : meaning\n: Indented.\n\n== Empty ==\n\n== Last ==\n----\nText.",
        [
            "Intro.",
            "Works",
            "Novels",
            "First (1990)",
            "Second",
            "One",
            "Term : meaning",
            "Indented.",
            "Last",
            "Text.",
        ],
    ),
    "formulas": (
        "The area <math>\\pi r^{2}</math> of a circle, {{math|''r'' > 0}}, is about 3.14"
        "<sup>*</sup>.<!-- a comment\nover lines -->",
        ["The area of a circle, r > 0, is about 3.14*."],
    ),
    "external links": (
        "See [http://example.org/a?b=c the site], [https://example.org] and [//example.org/x its "
        "''page''].",
        ["See the site, and its page."],
    ),
    "entities": (
        "Smith&nbsp;&amp;&nbsp;Sons &ndash; est.&#160;1800 &mdash; sold 5&times;10<sup>3</sup> "
        "&lt;b&gt; tags.",
        ["Smith & Sons – est. 1800 — sold 5×103 <b> tags."],
    ),
    "apostrophes": (
        "'''''Both''''' ''italic'' '''bold''' l''''homme''' it's '90s rock 'n' roll.",
        ["Both italic bold l'homme it's '90s rock 'n' roll."],
    ),
    "nowiki": (
        "Write <nowiki>[[Page]]</nowiki> or <nowiki>''x''</nowiki> for a link<nowiki/>s.",
        ["Write [[Page]] or ''x'' for a links."],
    ),
    "wrapped lines": (
        "One sentence\nover two lines.\n\nA new paragraph __NOTOC__\n__NOEDITSECTION__",
        ["One sentence over two lines.", "A new paragraph"],
    ),
    "hollow brackets": (
        "'''Ely''' ({{IPAc-en|ˈ|iː|l|i}}) is ({{respell|EE|lee}}; born 1900) old ( {{audio|x}}, ).",
        ["Ely is (born 1900) old ."],
    ),
    "small templates": (
        "{{circa|1500}} {{ndash}} {{frac|1|2}} of {{US$|5}} million, {{angbr|a}}, "
        "{{abbr|Dr|Doctor}} {{chem|H|2|O}}{{'}}s, {{ill|Max Mustermann|de}}, {{HMS|Hood|51|6}}, "
        "{{val|1234.5|u=km}}.",
        [
            "c. 1500 – 1/2 of US$5 million, ⟨a⟩, Dr H2O's, Max Mustermann, HMS Hood, 1,234.5 km."
        ],
    ),
    "hatnotes and navigation": (
        "{{about|the animal|the film|Cats (film)}}\n{{Use dmy dates|date=May 2012}}\n{{main|Dog}}\n"
        "Dogs bark.{{efn|Mostly.}}\n{{Reflist|30em}}\n{{Navbox|list1=[[a]]{{·}}[[b]]}}\n"
        "{{DEFAULTSORT:Dog}}\n<gallery>\nFile:a.jpg|A dog\n</gallery>",
        ["Dogs bark."],
    ),
    "broken brackets": (
        "Stray }} and |} and ]] here.\n\nAn [[open link and ]] more.\n\n"
        "[[File:x.jpg|thumb|never [[closed]]\nBefore {{broken|x\n| y = 1\nAfter this text.\n"
        "{| class=x\n|-\n| cell\nThe end.",
        [
            "Stray and and here.",
            "An open link and more.",
            "Before",
            "After this text.",
            "The end.",
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PASSAGES)
def test_passage_reads_as_a_reader_sees_it(name):
    """Every word of a passage is there, and nothing of its markup."""
    wikitext, expected = PASSAGES[name]

    assert clean_page(wikitext, "Title", SITE) == expected


def test_page_name_is_the_title():
    """{{PAGENAME}} shows the name of the page."""
    assert clean_page("{{PAGENAME}} is it.", "Ely", SITE) == ["Ely is it."]


@pytest.mark.parametrize(
    "markup",
    [
        "{{", "}}", "[[", "]]", "{|\n", "\n|}", "<ref>", "<math>", "<!--", "[http://a ", "'''",
        "<b ", "{{lang|fr|", "[[a|", "&lt;", "={", "(,", "{{{", "== a ", "-{",
        "{{quote|[[", "<nowiki>",
    ],
)  # fmt: skip
def test_time_is_linear_in_the_page(markup):
    """A page full of markup that nothing closes takes seconds at most, not hours."""
    started = time.monotonic()

    clean_page(markup * (1_000_000 // len(markup)), "Title", SITE)

    assert time.monotonic() - started < 10


def test_deep_nesting_ends():
    """Ten thousand templates in one another are no text, and no endless recursion."""
    clean_page("{{nowrap|" * 10_000 + "x" + "}}" * 10_000 + "\n\nText.", "Title", SITE)


# What a cleaner leaves when it fails; Wikipedia's own text has none of it.
RESIDUE = ("[[", "]]", "{{", "}}", "{|", "|}", "thumb|", "Category:", "<ref", "</", "''", "__")


@pytest.fixture(scope="module")
def real_pages(real_data):
    """Wikitext and cleaned text of a hundred articles of the English Wikipedia."""
    with bz2.open(real_data / "enwiki-excerpt.xml.bz2") as dump:
        parsed = [
            parse_page(xml) for xml in re.findall(rb"<page>.*?</page>", dump.read(), re.DOTALL)
        ]
    pages = [page for page in parsed if not isinstance(page, str)]
    return [
        (page.wikitext, "\n".join(clean_page(page.wikitext, page.title, SITE))) for page in pages
    ]


def test_no_markup_is_left_in_real_articles(real_pages):
    """A hundred articles of the English Wikipedia hold no residue of markup."""
    found = {
        residue: text[max(0, text.find(residue) - 50) :][:100]
        for _, text in real_pages
        for residue in RESIDUE
        if residue in text
    }

    assert len(real_pages) == 98
    assert found == {}


@pytest.mark.slow
def test_real_articles_keep_their_words(real_pages):
    """At least 99.9% of the words that mwparserfromhell finds in the running text are there."""
    num_words = num_missing = num_pages = 0
    for wikitext, text in real_pages:
        yardstick = read_with_mwparserfromhell(wikitext)
        if re.search(r"\|\||<ref|align=", yardstick):
            continue  # it took a table or a reference for running text
        words = Counter(re.findall(r"\w+", yardstick))
        num_pages += 1
        num_words += words.total()
        num_missing += (words - Counter(re.findall(r"\w+", text))).total()

    assert num_pages > 75
    assert num_missing < 0.001 * num_words


def read_with_mwparserfromhell(wikitext):
    code = mwparserfromhell.parse(wikitext)
    dropped = ("ref", "table", "math", "gallery", "references", "timeline", "source")
    nodes = code.filter_tags(matches=lambda node: str(node.tag).lower() in dropped)
    nodes += code.filter_wikilinks(
        matches=lambda link: re.match(
            r"\s*(file|image|category|[a-z-]{2,}):", str(link.title), re.I
        )
    )
    for node in nodes:
        with suppress(ValueError):  # it went with a node around it
            code.remove(node)
    return code.strip_code(normalize=True, collapse=True)
