import pytest

from components.preprocess.languages.facts import find_language
from components.preprocess.wikitext.tags import restore_literals
from components.preprocess.wikitext.templates.arguments import Arguments
from components.preprocess.wikitext.templates.expansion import expand_template


def expand(call, title="Title", language="en"):
    name, *sources = call.split("|")
    arguments = Arguments(sources, lambda source: source, find_language(language))
    return restore_literals(expand_template(name, arguments, title))


@pytest.mark.parametrize(
    ("call", "shown"),
    [
        ("Nowrap|a b", "a b"),
        ("Template:nowrap|a", "a"),
        ("visible_anchor|a", "a"),
        ("lang|de|Wien", "Wien"),
        ("lang-de|Wien", "German: Wien"),
        ("lang-xx|Wien", "Wien"),
        ("langx|el|Ρω|translit=Ro|lit=x", "Greek: Ρω, romanized: Ro, lit. 'x'"),
        ("langx|de|Wien|label=none", "Wien"),
        ("transl|ar|DIN|ʾalif", "ʾalif"),
        ("nihongo|Tokyo|東京|Tōkyō", "Tokyo (東京, Tōkyō)"),
        ("as of|2016|4|5|df=US", "As of April 5, 2016"),
        ("as of|2016|since=y|lc=y", "since 2016"),
        ("frac|2|1|3", "2 1/3"),
        ("frac|3", "1/3"),
        ("val|1.5|0.2|e=6|u=m", "1.5±0.2×10^6 m"),
        ("formatnum:1234567.891", "1,234,567.891"),
        ("formatnum:x", "x"),
        ("nts|-1234", "-1,234"),
        ("circa|1500|1600", "c. 1500–1600"),
        ("USS|Enterprise|CVN-65|6", "USS Enterprise"),
        ("USS|Enterprise|CVN-65", "USS Enterprise (CVN-65)"),
        ("color|red|text", "text"),
        ("hlist|a|b", "a, b"),
        ("music|flat", "♭"),
        ("bibleverse|Genesis|1:1|HE", "Genesis 1:1"),
        ("sic|teh", "teh [sic]"),
        ("euro|5", "€5"),
        ("BCE|44", "44 BCE"),
        ("AD", "AD"),
        ("PAGENAME", "Title"),
        ("lang-rus|Москва|r=Moskva|p=mɐskva", "Russian: Москва, romanized: Moskva"),
        ("lang-el|Ρω|Ro|letter", "Greek: Ρω, romanized: Ro, lit. 'letter'"),
        ("zh|s=汉|t=漢|p=Hàn", "simplified Chinese: 汉; traditional Chinese: 漢; pinyin: Hàn"),
        ("zh|c=漢|labels=no", "漢"),
        ("korean|hangul=한글|rr=hangeul", "Korean: 한글; RR: hangeul"),
        ("lang-ko|한글", "Korean: 한글"),
        ("nihongo3|eagle|鷲|washi", "washi (鷲, eagle)"),
        ("nihongo krt|eagle|鷲|washi", "鷲 (washi, eagle)"),
        ("nihongo2|鷲", "鷲"),
        ("ruby|漢字|かんじ", "漢字 (かんじ)"),
        ("gaps|1|234|567", "1234567"),
        ("e|24", "×10^24"),
        ("railgauge|1435mm", "1,435 mm (4 ft 8 1/2 in)"),
        ("track gauge|1234mm", "1234mm"),
        ("OldStyleDate|2 February|1905|20 January", "2 February [O.S. 20 January] 1905"),
        ("ordinal|22", "22nd"),
        ("ordinal|113", "113th"),
        ("INRConvert|5|c", "₹5 crore"),
        ("US$|1234567", "US$1,234,567"),
        ("fl.|1500", "fl. 1500"),
        ("sic|teh|hide=y", "teh"),
        ("bibleverse|1|Corinthians|13:4", "1 Corinthians 13:4"),
        ("bibleverse||John|3:16", "John 3:16"),
        ("ship|HMS|Hood|51", "HMS Hood (51)"),
        ("ship||Titanic", "Titanic"),
        ("sclass|Iowa|battleship", "Iowa-class battleship"),
        ("jct|state=CA|I|5|US|101", "I-5 / US 101"),
        ("hover title|a tooltip|text", "text"),
        ("slink|Cat|Diet", "Cat § Diet"),
        ("gloss|cat", "'cat'"),
        ("née|Smith", "née Smith"),
        ("post-nominals|VC|OBE", "VC, OBE"),
        ("keypress|Ctrl|C", "Ctrl+C"),
        ("music|time|3|4", "3/4"),
        ("lc:ABC", "abc"),
        ("#tag:ref", ""),
        ("Infobox person|name=x", ""),
        ("cite web|title=x", ""),
    ],
)  # fmt: skip
def test_template_leaves_the_text_that_a_reader_sees(call, shown):
    """Templates whose text belongs to the sentence leave it; the others leave none."""
    assert expand(call) == shown


@pytest.mark.parametrize("call", ["lang-de|Wien", "langx|de|Wien"])
def test_other_wikis_name_no_language_in_english(call):
    """`German:` would be foreign on a page in French."""
    assert expand(call, language="fr") == "Wien"


@pytest.mark.parametrize(
    ("language", "call", "shown"),
    [
        ("de", "enS|cat", "cat"),
        ("ja", "仮リンク|猫|en|Cat", "猫"),
        ("fr", "unité|5|km", "5 km"),
        ("fr", "unité|12345|km|2", "12\u202f345 km2"),
        ("fr", "s|XIX|e", "XIXe siècle"),
        ("en", "s|struck", "struck"),
        ("pl", "s|XIX", ""),
        ("fr", "XIXe", "XIXe"),
        ("de", "Argentinien", "Argentinien"),
        ("de", "Nonsens", ""),
        ("es", "ESP", "España"),
        ("de", "GER", "Deutschland"),
        ("en", "ESP", "Spain"),
        ("en", "esp|3", "×10^3"),
        ("ru", "нп5|Завод Имени||en|Plant", "Завод Имени"),
        ("es", "fecha|3|2|2001", "3 de febrero de 2001"),
        ("tr", "doğum tarihi|1901|5|5", "5 Mayıs 1901"),
        ("de", "formatnum:1234567.8", "1.234.567,8"),
        ("de", "formatnum:1.234.567,8|R", "1234567.8"),
        ("es", "formatnum:1234", "1234"),
        ("hi", "formatnum:1234567", "12,34,567"),
        ("sv", "formatnum:12345.6", "12\xa0345,6"),
        ("tr", "convert|1200|ft", "1.200 ft (370 m)"),
        ("de", "convert|2,5|km", "2,5 km (1,6 mi)"),
        ("en", "start date|2001|2|3|df=y", "3 February 2001"),
        ("en", "dts|2001-02-03", "February 3, 2001"),
        ("en", "#formatdate:2001-02-03|dmy", "3 February 2001"),
        ("en", "ZAR|5000", "R5,000"),
        ("en", "CHF|50", "CHF 50"),
        ("en", "currency|1.28 billion|USD", "US$1.28 billion"),
        ("en", "XYZ|50", ""),
        ("en", "script|Cyrl|текст", "текст"),
        ("en", "ucfirst:old", "Old"),
        ("en", "lcfirst:Old", "old"),
        ("en", "uc:old", "OLD"),
        ("en", "fact span|kept", "kept"),
        ("en", "marriage|Ann|1919", "Ann (m. 1919)"),
        ("en", "height|ft=6|in=2", "6 ft 2 in (1.88 m)"),
    ],
)
def test_meaning_of_a_template_depends_on_the_wiki(language, call, shown):
    """A name means on a wiki what that wiki has made of it."""
    assert expand(call, language=language) == shown
