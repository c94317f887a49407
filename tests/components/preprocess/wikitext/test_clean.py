import bz2
import re
import shutil
import time
from collections import Counter
from contextlib import suppress

import mwparserfromhell
import pytest

from components.preprocess.dump.files import open_dump
from components.preprocess.dump.pages import parse_page
from components.preprocess.wikitext import clean
from components.preprocess.wikitext.brackets import find_outermost
from components.preprocess.wikitext.clean import clean_page
from components.preprocess.wikitext.sites import Site, read_site

SITE = Site(
    file_names=frozenset({"file", "image", "media", "datei"}),
    category_names=frozenset({"category", "kategorie"}),
)

# Wikitext, and the text that a reader of the article sees, a paragraph each.
PASSAGES = {
    "links": (
        "A '''cat''' is a [[Felidae|small ''felid'']] kept by [[human]]s; see [[Cat#Diet]] and "
        "[[:Category:Cats|the list]], [[:Category:Dogs|Category:Hounds]], [[:Category:Pets]], "
        "[[:Mice]], [[Star Trek: Cats]] and [[:fr:Chat|one: two]].",
        [
            "A cat is a small felid kept by humans; see Cat#Diet and the list, Hounds, Pets, "
            "Mice, Star Trek: Cats and one: two."
        ],
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
        ["Smith & Sons – est. 1800 — sold 5×10^3 <b> tags."],
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
    "possessives and signs": (
        "''Eagle''{{'s}} ascent and ''Eagle''{{'}}s descent; a {{=}} b {{times}} c{{dagger}}, "
        "''It''{{'\"}} {{;}} end.",
        ["Eagle's ascent and Eagle's descent; a = b × c†, It'\" ; end."],
    ),
    "Chinese and Korean": (
        "'''Beijing''' ({{zh|c=北京|p=Běijīng}}; {{lang-en|Peking|label=none}}), '''Seoul''' "
        "({{Korean|hangul=서울|rr=Seoul}}; {{IPA|ko|sʌ.ul}}) and {{nihongo3|eagle|鷲|''washi''}}.",
        [
            "Beijing (Chinese: 北京; pinyin: Běijīng; Peking), Seoul (Korean: 서울; RR: Seoul) and "
            "washi (鷲, eagle)."
        ],
    ),
    "lists in columns": (
        "They are:\n{{columns-list|colwidth=20em|\n* [[Oak]]\n* Elm<ref>x</ref>\n}}\n"
        "{{div col}}\n* Ash\n{{div col end}}\n{{ordered list|First.|Second.}}\n"
        "{{plainlist|\n* Third\n* Fourth\n}}",
        ["They are:", "Oak", "Elm", "Ash", "First.", "Second.", "Third", "Fourth"],
    ),
    "dates and sizes": (
        "On {{OldStyleDate|2 February|1905|20 January}} the {{convert|12|km|mi|abbr=on}} line of "
        "{{railgauge|1435mm}} opened; it cost {{£|1,200}}, and {{as of|2010|lc=y}} carries "
        "{{val|1.5|u=t}}, {{abbr|approx.|approximately}} {{circa|1900}} {{frac|3|4}} full"
        "{{cn|date=May 2011}}{{dubious}}.",
        [
            "On 2 February [O.S. 20 January] 1905 the 12 km (7.5 mi) line of 1,435 mm (4 ft 8 1/2 "
            "in) opened; it cost £1,200, and as of 2010 carries 1.5 t, approx. c. 1900 3/4 full."
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


# Markup that nothing closes, runs of white space, and calls that cost something each.
NASTY = [
    "{{", "}}", "[[", "]]", "{|\n", "\n|}", "<ref>", "<math>", "<!--", "[http://a ", "'''", "''",
    "<b ", "<br ", "{{lang|fr|", "[[a|", "[[ ", "[[file:", "&lt;", "&#", "={", "\n= ", "(,",
    "( ", " ,", "{{{", "{{{1|", "== a ", "-{", "-{{", "-{a|", "-{zh-cn:", "}-", "{{quote|[[",
    "<nowiki>", "<nowiki/>", " ", "\t", " \n", ". . ", "-", "_", "__A", "1<sup>",
    "1{{frac|1|2}}", "{{a| ", "{{a|b=", "{{bv|", "{{bv|1|", "{{convert|1|", "{{val|1|e=",
    "{{hlist|a|", "{{lc:", "「", "[mailto:a" + " " * 90, "[http://" + "a" * 2000 + " " + "b" * 1000,
]  # fmt: skip


# The same inside of one mark.
NASTY_INSIDE = [
    ("-{zh:a", ";x", "}-"), ("-{", "zh:a;", "}-"), ("{{formatnum:", "1", "}}"),
    ("{{val|", "1", "}}"),
    ("{{convert|", "1", "|m|ft}}"), ("{{convert|1", "|m", "}}"), ("{{hlist", "|a", "}}"),
    ("{{#switch:", "|a=b", "}}"), ("{{", "{{{a|", "}}}"), ("'''", "a''", "'"), ("[[a", "|", "]]"),
    ("(", ", ", ")"), ("<gallery>", "<", "</gallery>"), ("{{frac|", "1", "|2}}"),
]  # fmt: skip


@pytest.mark.parametrize("parts", NASTY_INSIDE, ids=str)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_time_is_linear_in_what_one_mark_holds(parts, language):
    """1 MB takes a second of the processor at most."""
    start, markup, end = parts
    site = read_site(f'<mediawiki xml:lang="{language}">')
    started = time.process_time()

    clean_page(start + markup * (1_000_000 // len(markup)) + end, "Title", site)

    assert time.process_time() - started < 4


@pytest.mark.slow
@pytest.mark.parametrize("markup", NASTY, ids=lambda markup: repr(markup[:12]))
@pytest.mark.parametrize("language", ["en", "zh"])
def test_time_is_linear_in_the_page(markup, language):
    """A page of 1 MB full of nasty markup takes seconds of the processor at most, not hours."""
    site = read_site(f'<mediawiki xml:lang="{language}">')
    started = time.process_time()

    clean_page(markup * (1_000_000 // len(markup)), "Title", site)

    assert time.process_time() - started < 20


@pytest.mark.parametrize("name", ["bv", "quote", "ill", "convert", "nihongo", "val", "lc:x", "ubl"])
@pytest.mark.parametrize("depth", [13, 200, 10_000])
def test_nested_calls_are_read_once_for_each_level(monkeypatch, name, depth):
    """Each argument is expanded once, however often a template asks for it."""
    num_characters = 0

    def find(text):
        nonlocal num_characters
        num_characters += len(text)
        return find_outermost(text)

    monkeypatch.setattr(clean, "find_outermost", find)
    text = f"{{{{{name}|1|" * depth + "x" + "}}" * depth

    clean_page(text, "Title", SITE)

    assert num_characters <= 25 * len(text)


def test_text_around_deep_nesting_stays():
    """Ten thousand templates in one another are no text, and no endless recursion."""
    wikitext = "{{nowrap|" * 10_000 + "x" + "}}" * 10_000 + "\n\nText."

    assert clean_page(wikitext, "Title", SITE) == ["Text."]


# What a cleaner leaves when it fails; the text of neither excerpt has any of it.
RESIDUE = (
    "[[", "]]", "{{", "}}", "{|", "|}", "thumb|", "Category:", "File:", "<ref", "</", "''", "__",
)  # fmt: skip


def read_pages(path, folder):
    """Title, wikitext and cleaned text of the articles of a dump, copied to a folder."""
    shutil.copy(path, folder)
    site = open_dump(str(folder)).files[0].site
    pages = [
        parse_page(xml, site)
        for xml in re.findall(rb"<page>.*?</page>", bz2.decompress(path.read_bytes()), re.DOTALL)
    ]
    return [
        (page.title, page.wikitext, "\n".join(clean_page(page.wikitext, page.title, site)))
        for page in pages
        if not isinstance(page, str)
    ]


@pytest.fixture(scope="module")
def real_pages(real_data, tmp_path_factory):
    return read_pages(real_data / "enwiki-excerpt.xml.bz2", tmp_path_factory.mktemp("dump"))


@pytest.mark.parametrize(
    ("name", "num_pages"),
    [("enwiki-excerpt.xml.bz2", 98), ("enwiktionary-excerpt-multistream.xml.bz2", 100)],
)
def test_no_markup_is_left_in_real_articles(real_data, tmp_path, name, num_pages):
    """Articles of the English Wikipedia and Wiktionary hold no residue of markup."""
    pages = read_pages(real_data / name, tmp_path)

    found = {
        (residue, title): text[max(0, text.find(residue) - 50) :][:100]
        for title, _, text in pages
        for residue in RESIDUE
        if residue in text
    }
    assert len(pages) >= num_pages
    assert found == {}


@pytest.mark.slow
def test_real_articles_keep_their_words(real_pages, capsys):
    """At least 99.9% of the words that mwparserfromhell finds in the running text are there."""
    num_words = num_missing = 0
    for _, wikitext, text in real_pages:
        words = Counter(re.findall(r"\w+", read_with_mwparserfromhell(wikitext)))
        num_words += words.total()
        num_missing += (words - Counter(re.findall(r"\w+", text))).total()
    kept = 1 - num_missing / num_words
    with capsys.disabled():
        print(f"\n{kept:.3%} of {num_words} words of {len(real_pages)} articles are kept")

    assert num_words > 450_000
    assert kept >= 0.999


# Lines of tables and references that are not closed, which it takes for running text.
MARKUP_LINE = re.compile(r"\|\||\|-|</?ref|(align|bgcolor|style|colspan)=|\|\}|\{\||^\s*[*]? ?[|!]")


def read_with_mwparserfromhell(wikitext):
    """Its plain text outside tables, references, files and formulas."""
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
    lines = code.strip_code(normalize=True, collapse=True).split("\n")
    return "\n".join(line for line in lines if not MARKUP_LINE.search(line))
