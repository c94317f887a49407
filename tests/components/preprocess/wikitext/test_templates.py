import pytest

from components.preprocess.wikitext.arguments import Arguments
from components.preprocess.wikitext.templates import expand_template


def expand(call, title="Title"):
    name, *sources = call.split("|")
    return expand_template(name, Arguments(sources, lambda source: source), title)


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
        ("val|1.5|0.2|e=6|u=m", "1.5±0.2×106 m"),
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
        ("enS|cat", "cat"),
        ("ruby|漢字|かんじ", "漢字 (かんじ)"),
        ("仮リンク|猫|en|Cat", "猫"),
        ("unité|5|km", "5 km"),
        ("gaps|1|234|567", "1234567"),
        ("e|24", "×1024"),
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
    name, *sources = call.split("|")

    assert expand_template(name, Arguments(sources, str), "Title", "fr") == "Wien"
