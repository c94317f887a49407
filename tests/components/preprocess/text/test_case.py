import pytest

from components.preprocess.text.case import choose_lowercase


@pytest.mark.parametrize("language", ["hi", "th", "ja", "zh", "ar", "he", "ko", "km"])
def test_script_without_case_stays_as_it_is(language):
    """Its vowel signs would go with the accents; a warning says so."""
    lowercase, warning = choose_lowercase(True, [language])

    assert not lowercase
    assert "would lose its vowel signs" in warning


def test_mixed_dump_stays_as_it_is():
    """One model reads all of its languages."""
    assert not choose_lowercase(True, ["en", "hi"])[0]


@pytest.mark.parametrize("language", ["fr", "ru", "vi"])
def test_loss_of_accents_is_told(language):
    """Words of these languages may become others."""
    lowercase, warning = choose_lowercase(True, [language])

    assert lowercase
    assert "lowercase=false keeps them" in warning


@pytest.mark.parametrize(("lowercase", "language"), [(True, "en"), (False, "en"), (False, "hi")])
def test_nothing_is_said_where_nothing_is_lost(lowercase, language):
    """English, and text that stays as it is."""
    assert choose_lowercase(lowercase, [language]) == (lowercase, "")
