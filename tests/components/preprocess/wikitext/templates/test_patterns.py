import pytest

from components.preprocess.languages.facts import find_language
from components.preprocess.wikitext.templates.arguments import Arguments
from components.preprocess.wikitext.templates.patterns import compile_pattern


def show(pattern, *sources, language="de"):
    return compile_pattern(pattern)(Arguments(list(sources), str, find_language(language)))


@pytest.mark.parametrize(
    ("pattern", "sources", "shown"),
    [
        ("{1}{2} siècle", ["XIX", "e"], "XIXe siècle"),
        ("{2|1}", ["a", ""], "a"),
        ("{text|1}", ["a", "text=b"], "b"),
        ("{1|=e}", [], "e"),
        ("{1}[ ({2}[, {3}])]", ["a", "b", "c"], "a (b, c)"),
        ("{1}[ ({2}[, {3}])]", ["a", "b"], "a (b)"),
        ("{1}[ ({2}[, {3}])]", ["a"], "a"),
        ("{1:number}", ["12345.6"], "12.345,6"),
        ("{date:dmy}", ["3", "2", "2001"], "3. Februar 2001"),
        ("{date:ymd}", ["2001", "2"], "Februar 2001"),
        ("{date:dmy}", ["3", "Februar", "2001"], "3 Februar 2001"),
        ("{date:dmy}", ["99", "2", "2001"], "99 2 2001"),
        ("{all}", ["H", "2", "O"], "H2O"),
        ("constant", ["a"], "constant"),
    ],
)
def test_pattern_shows_a_call(pattern, sources, shown):
    """Each form that languages/README.md explains."""
    assert show(pattern, *sources) == shown


@pytest.mark.parametrize("pattern", ["{1}{1}", "{1} {2|1}", "[{1}", "{1}]", "{date:dmy} {2}"])
def test_pattern_that_can_not_be_meant_is_rejected(pattern):
    """An argument shown twice would double with every call around it."""
    with pytest.raises(ValueError, match=r"twice|\['|too many"):
        compile_pattern(pattern)
