import pickle
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nltk.tokenize.punkt import PunktParameters

from components.preprocess.text.sentences import SentenceSplitter


def know_abbreviation(abbreviation):
    parameters = PunktParameters()
    parameters.abbrev_types.add(abbreviation)
    return SentenceSplitter(parameters)


# Pages have no lone surrogates: see components/shared/files/text.py.
CHARACTERS = st.one_of(
    st.sampled_from("aB .!?。…\"'»«()\n\u2028 "), st.characters(exclude_categories=["Cs"])
)
SPLITTERS = {"sentencex": SentenceSplitter(), "punkt": know_abbreviation("dr")}


@pytest.mark.parametrize(
    ("language", "sentences"),
    [
        (
            "en",
            [
                "Dr. Smith went to the U.S. in 1990.",
                "Did J. R. R. Tolkien stay?",
                "Yes!",
                "Nobody knows.",
            ],
        ),
        ("de", ["Er wurde am 3. Mai 1900 geboren.", "Er kannte z. B. Dr. Müller.", "Ende."]),
        ("fr", ["Il a dit oui.", "Ensuite, M. Dupont est parti."]),
        ("ja", ["東京は日本の首都。", "大きい。"]),
        ("no-such-language", ["One sentence.", "Another one."]),
    ],
)
def test_sentences_are_split_by_the_rules_of_the_language(language, sentences):
    """Abbreviations and initials end no sentence."""
    text = ("" if language == "ja" else " ").join(sentences)

    assert SPLITTERS["sentencex"].split(text, language) == sentences


def test_punkt_splits_by_what_it_has_learned():
    """What the dump abbreviates ends no sentence, in any language."""
    text = "Then Dr. Green came. It was early."

    assert SPLITTERS["punkt"].split(text, "xx") == ["Then Dr. Green came.", "It was early."]
    assert SentenceSplitter(PunktParameters()).split(text, "xx")[0] == "Then Dr."


@pytest.mark.parametrize("name", SPLITTERS)
@settings(max_examples=200)
@given(text=st.text(CHARACTERS))
def test_no_character_is_lost_but_spaces(name, text):
    """Splitting takes nothing away but spaces."""
    sentences = SPLITTERS[name].split(text, "en")

    assert "".join("".join(sentences).split()) == "".join(text.split())
    assert all(sentence == sentence.strip() != "" for sentence in sentences)


FRAGMENTS = (
    *("Yes.", "No! Never?", "Dr. No", "(a) x (b) y", '"Go.', "1. One", "彼「来。」と。次", "…"),
    *("Он жил в 1990 г. Она нет.", "Am 3. Mai. Ende.", "A. " * 900, "x" * 11_000 + ". Y"),
)
PARAGRAPHS = st.lists(
    st.one_of(
        st.sampled_from(FRAGMENTS),
        st.text(CHARACTERS, min_size=1).map(lambda text: " ".join(text.split())),
    ),
    max_size=40,
)


@pytest.mark.parametrize("name", SPLITTERS)
@settings(max_examples=200)
@given(paragraphs=PARAGRAPHS, language=st.sampled_from(["en", "de", "ru", "ja", "el", "xx"]))
def test_paragraphs_are_split_together_as_alone(name, paragraphs, language):
    """A mark in one paragraph changes nothing in the next."""
    splitter = SPLITTERS[name]
    expected = [one for text in paragraphs for one in splitter.split(text, language)]

    assert splitter.split_all(paragraphs, language) == expected


@pytest.mark.parametrize("name", SPLITTERS)
def test_a_splitter_travels_to_workers(name):
    """Also after it was used."""
    splitter = SPLITTERS[name]
    expected = splitter.split("One. Two.", "en")

    assert pickle.loads(pickle.dumps(splitter)).split("One. Two.", "en") == expected


@pytest.mark.parametrize("name", SPLITTERS)
@pytest.mark.parametrize("text", ["« ", "' ", "Mr. ", "(", "...", "a.", "x", "? "])
def test_time_is_linear_in_the_paragraph(name, text):
    """A paragraph full of one sign takes seconds, not hours."""
    started = time.process_time()

    SPLITTERS[name].split(text * (200_000 // len(text)), "en")

    assert time.process_time() - started < 5


@pytest.mark.parametrize("space", ["\xa0", "\x85", "\u2009", "\u2028", "\u202f", "\u3000"])
@pytest.mark.parametrize("is_long", [False, True])
def test_no_space_before_a_point_is_too_much_for_the_splitter(space, is_long):
    """sentencex 1.0.32 panics at such a space between an initial and a point."""
    paragraph = f"Take vitamin A{space}. It or B{space}{space}. helps."
    others = ["Another one."] * 3 if is_long else []

    sentences = SentenceSplitter().split_all([paragraph, *others], "en")

    assert "".join("".join(sentences).split()) == "".join("".join([paragraph, *others]).split())
    assert sentences[0] == "Take vitamin A ."
