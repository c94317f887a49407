from components.preprocess.vocabulary.words import count_words


def test_words_are_counted_as_the_tokenizer_splits_them():
    """Punctuation is apart, case and accents are gone."""
    counted = count_words([["The cat, the mat.", "Élan"], ["cat"]], lowercase=True)

    assert counted == {"the": 2, "cat": 2, ",": 1, "mat": 1, ".": 1, "elan": 1}


def test_cased_words_keep_their_case():
    """A cased vocabulary tells The from the."""
    assert count_words([["The the"]], lowercase=False) == {"The": 1, "the": 1}
