import pytest

from components.preprocess.languages import cldr


@pytest.mark.parametrize(
    ("code", "date", "shown"),
    [
        ("es", (2001, 2, 3), "3 de febrero de 2001"),
        ("ru", (2001, 2, 3), "3 февраля 2001 г."),
        ("zh", (2001, 2, 3), "2001年2月3日"),
        ("de", (2001, 2), "Februar 2001"),
        ("de", (2001,), "2001"),
        ("no", (2001, 2, 3), "3. februar 2001"),
        ("xx", (2001, 2, 3), "February 3, 2001"),
    ],
)
def test_date_is_written_in_the_language(code, date, shown):
    """In English where the language is not known."""
    assert " ".join(cldr.format_date(code, *date).split()) == shown


@pytest.mark.parametrize(
    ("language", "code", "name"),
    [("es", "ESP", "España"), ("de", "GER", "Deutschland"), ("fr", "XYZ", "")],
)
def test_country_is_named_by_its_code(language, code, name):
    """ISO's codes, and those of sports."""
    assert cldr.find_country(language, code) == name


@pytest.mark.parametrize(
    ("code", "script"),
    [
        ("en", "Latn"),
        ("hi", "Deva"),
        ("sr", "Cyrl"),
        ("sh", "Latn"),
        ("zh", "Hans"),
        ("yue", "Hant"),
    ],
)
def test_script_is_the_language_s_usual_one(code, script):
    """As CLDR has it."""
    assert cldr.find_script(code) == script
