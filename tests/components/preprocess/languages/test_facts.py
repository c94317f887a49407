import tomllib
from pathlib import Path

import pytest

import components.preprocess.languages
from components.preprocess.languages.facts import NumberFormat, find_language, wiki_codes
from components.preprocess.wikitext.templates.patterns import compile_pattern

FOLDER = Path(components.preprocess.languages.__file__).parent
OWN_FILES = sorted(path for path in FOLDER.glob("*.toml") if path.stem != "namespaces")

KNOWN_KEYS = {
    "": {"redirect", "namespaces", "numbers", "variants", "templates", "sentences"},
    "namespaces": {"file", "media", "category"},
    "numbers": {"group", "decimal", "least_grouped", "group_sizes"},
    "variants": {"order"},
    "templates": {"shows", "shows_its_name", "countries_by_name"},
    "sentences": {
        "abbreviations", "before_numbers", "endings", "ordinals", "openers", "continuations",
    },
}  # fmt: skip


def test_large_wikipedias_have_files_of_their_own():
    """The first-class languages, and no other, are known in full."""
    expected = {
        *["en", "de", "fr", "es", "it", "pt", "ru", "zh", "ja", "ar", "he", "hi", "tr", "uk"]
    }

    assert {path.stem for path in OWN_FILES} == expected


@pytest.mark.parametrize("path", OWN_FILES, ids=lambda path: path.stem)
def test_file_says_its_sources_and_holds_known_keys_only(path):
    """A slip in a key would otherwise be silent."""
    text = path.read_text(encoding="utf-8")
    facts = tomllib.loads(text)

    assert "Sources. " in text.partition("[")[0]
    assert set(facts) <= KNOWN_KEYS[""]
    for section, known in KNOWN_KEYS.items():
        if section:
            assert set(facts.get(section, {})) <= known
    assert find_language(path.stem).code == path.stem


@pytest.mark.parametrize("path", OWN_FILES, ids=lambda path: path.stem)
def test_every_pattern_can_be_read(path):
    """A pattern with an open bracket, or an argument twice, is found before any run."""
    for pattern in find_language(path.stem).shows.values():
        compile_pattern(pattern)


def test_namespaces_are_those_of_the_wiki_and_the_english_ones():
    """Also those that a dump does not list."""
    portuguese = find_language("pt")

    assert portuguese.file_names == {"file", "image", "ficheiro", "arquivo", "imagem"}
    assert portuguese.category_names == {"category", "categoria"}
    assert portuguese.media_names == {"media", "multimédia"}


@pytest.mark.parametrize("code", ["nl", "zh-yue", "vi"])
def test_other_wikis_share_a_file(code):
    """Some 320 wikis have their names in namespaces.toml."""
    assert len(find_language(code).file_names) > 2


def test_code_that_is_not_known_has_english_names():
    """A dump of some other wiki is read all the same."""
    language = find_language("xx-unknown")

    assert language.file_names == {"file", "image"}
    assert language.redirect_words == {"redirect"}


@pytest.mark.parametrize("code", ["pt-BR", "DE"])
def test_code_may_name_a_region(code):
    """Other tools write xml:lang as they like."""
    assert find_language(code).code == code[:2].lower()


def test_numbers_of_other_languages_are_cldr_s():
    """Swedish has a space and a comma."""
    assert find_language("sv").numbers == NumberFormat("\xa0", ",")


def test_codes_of_wikis_are_what_links_to_them_begin_with():
    """UFO is not a language code."""
    assert {"de", "simple", "be-x-old", "zh-min-nan"} <= wiki_codes()
    assert "ufo" not in wiki_codes()
