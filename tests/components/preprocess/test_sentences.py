from components.preprocess.sentences import split_sentences


def test_sentences_are_split_at_their_ends():
    """Abbreviations and initials end no sentence."""
    text = "Dr. Smith went to the U.S. in 1990. Did J. R. R. Tolkien stay? Yes! Nobody knows."

    assert split_sentences(text) == [
        "Dr. Smith went to the U.S. in 1990.",
        "Did J. R. R. Tolkien stay?",
        "Yes!",
        "Nobody knows.",
    ]


def test_no_word_is_lost():
    """Splitting takes nothing away but spaces."""
    text = "東京は日本の首都。大きい。 Ça va? «Oui.» x² ≥ 0… End"

    joined = "".join(split_sentences(text))

    assert "".join(joined.split()) == "".join(text.split())


def test_one_character_is_a_sentence():
    """The shortest paragraph stays."""
    assert split_sentences("A") == ["A"]
