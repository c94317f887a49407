from components.preprocess.wikitext.templates.arguments import Arguments


def make(*sources):
    return Arguments(list(sources), lambda source: source)


def test_positional_arguments_count_from_one():
    """A named argument between them doesn't count, a missing one is empty."""
    arguments = make("a", "x=1", " b ")

    assert (arguments[1], arguments[2], arguments[3]) == ("a", "b", "")
    assert list(arguments) == ["a", "b"]


def test_numbers_name_positions():
    """{{quote|1=a=b}} is how text with an equals sign is given."""
    assert make("1=a=b")[1] == "a=b"


def test_first_name_that_has_text_counts():
    """Several names may stand for one thing, in any case."""
    arguments = make("author=", "By=Anon")

    assert arguments.get("author", "by") == "Anon"
    assert arguments.get("missing") == ""


def test_equals_sign_in_markup_names_nothing():
    """An argument that begins with a tag or an address is text."""
    assert make("<span a=b>c</span>")[1] == "<span a=b>c</span>"


def test_last_is_the_last_with_text():
    """{{transliteration|ar|DIN|x|}} shows x."""
    assert make("ar", "DIN", "x", "").last() == "x"


def test_text_is_made_only_when_asked_for():
    """Arguments that nobody reads cost nothing."""
    seen = []

    def to_text(source):
        seen.append(source)
        return source

    arguments = Arguments(["a", "b"], to_text)

    assert arguments[2] == "b"
    assert seen == ["b"]
