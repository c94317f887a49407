import pytest

from components.preprocess.wikitext.tags import drop_elements, restore_literals


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a<ref>b</ref>c", "ac"),
        ('a<ref name="x" />b<ref>c</ref>d', "abd"),
        ("a<REF>b</Ref >c", "ac"),
        ("a<ref>b", "ab"),
        ("a<!-- b\nc -->d", "ad"),
        ("a<!-- b", "a"),
        ("a<references/>b<gallery>\nc\n</gallery>d", "abd"),
        ("a<math>x < y</math>b", "ab"),
        ("<reflection>a</reflection>", "<reflection>a</reflection>"),
        ("a</ref>b", "ab"),
        ("a<section begin=x/>b", "ab"),
    ],
)
def test_elements_go_with_all_they_hold(text, expected):
    """What is not running text goes, and what is stays."""
    assert drop_elements(text) == expected


def test_nowiki_hides_markup_until_the_end():
    """What <nowiki> holds isn't read as markup, and is given back as it was."""
    hidden = drop_elements("<nowiki>[[a|''b'']]</nowiki> é")

    assert not set("[]|'") & set(hidden)
    assert restore_literals(hidden) == "[[a|''b'']] é"
