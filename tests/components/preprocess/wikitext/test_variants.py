import pytest

from components.preprocess.languages.facts import find_language
from components.preprocess.wikitext.variants import choose_variants


@pytest.mark.parametrize(
    ("code", "wikitext", "shown"),
    [
        ("zh", "-{zh-cn:软件;zh-tw:軟體}-", "软件"),
        ("zh", "-{物理}-", "物理"),
        ("zh", "-{A|zh-cn:软件;zh-tw:軟體}-", "软件"),
        ("zh", "a-{H|zh-cn:软件;zh-tw:軟體}-b", "ab"),
        ("zh", "a-{T|zh-cn:软件;zh-tw:軟體}-b", "ab"),
        ("zh", "-{R|zh-cn:软件}-", "zh-cn:软件"),
        ("zh", "-{zh-hk:甲; zh-tw:乙;}-", "乙"),
        ("zh", "-{zh-cn:[[甲|a;b]];zh-tw:乙}-", "[[甲|a;b]]"),
        ("zh", "-{zh-cn:-{x}-;zh-tw:y}-", "x"),
        ("zh", "-{{{lang|en|a}}}-", "{{lang|en|a}}"),
        ("zh", "{{a|-{b}-}} -{{b}}", "{{a|b}} -{{b}}"),
        ("zh", "-{open", "-{open"),
        ("zh", "a }- b", "a }- b"),
        ("sr", "-{sr-ec:а;sr-el:a}-", "а"),
        ("uz", "-{word}-", "word"),
        ("en", "-{物理}-", "-{物理}-"),
    ],
)
def test_one_variant_is_shown(code, wikitext, shown):
    """The first in the language's order that a rule names, or else the first rule's."""
    assert choose_variants(wikitext, find_language(code)) == shown
