import pytest

from components.preprocess.arguments import Arguments
from components.preprocess.templates import expand_template


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
        ("Infobox person|name=x", ""),
        ("cite web|title=x", ""),
    ],
)  # fmt: skip
def test_template_leaves_the_text_that_a_reader_sees(call, shown):
    """Templates whose text belongs to the sentence leave it; the others leave none."""
    assert expand(call) == shown
