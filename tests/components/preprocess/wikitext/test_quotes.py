import pytest

from components.preprocess.wikitext.quotes import drop_quotes


@pytest.mark.parametrize(
    ("wikitext", "shown"),
    [
        ("''a'' '''b''' '''''c'''''", "a b c"),
        ("''Heron'''s", "Heron's"),
        ("l'''uomo savio''", "l'uomo savio"),
        ("l''''homme'''", "l'homme"),
        ("''''''''a", "'''a"),
        ("''a''' b '''c'' d'''", "a b c d"),
        ("'''a'' b ''c", "a b c"),
        ("''open\nl'''uomo''", "open\nl'uomo"),
        ("It's '90s", "It's '90s"),
        (" '''a ''b", " 'a b"),
    ],
)
def test_apostrophes_that_are_no_marks_stay(wikitext, shown):
    """MediaWiki's rules, line by line."""
    assert drop_quotes(wikitext) == shown
