import pytest

from components.preprocess.wikitext.brackets import find_outermost, split_arguments


def outermost(text):
    return [text[start:end] for start, end in find_outermost(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a [[b]] c {{d}} e", ["[[b]]", "{{d}}"]),
        ("[[a [[b]] {{c}}]]", ["[[a [[b]] {{c}}]]"]),
        ("{{a|{{b}}|[[c]]}}", ["{{a|{{b}}|[[c]]}}"]),
        ("{|\n| {{a}}\n|}\nb", ["{|\n| {{a}}\n|}"]),
        (":{|\n|}", ["{|\n|}"]),
        ("{{a\n|}}", ["{{a\n|}}"]),
        ("a {| b |} c", []),
        ("[[a {{b}}", ["{{b}}"]),
        ("{{a [[b }} c", ["{{a [[b }}"]),
        ("a }} b ]] c", []),
        ("{{a}} }} {{b}}", ["{{a}}", "{{b}}"]),
        ("[[a {{b ]] c", []),
    ],
)
def test_outermost_closed_brackets_are_found(text, expected):
    """Nested brackets belong to the outer one; those nobody closed are passed over."""
    assert outermost(text) == expected


def test_arguments_are_split_at_their_own_bars():
    """A bar within a nested link or template is not the template's."""
    assert split_arguments("a|b|[[c|d]]|{{e|f}}|g=h") == ["a", "b", "[[c|d]]", "{{e|f}}", "g=h"]
