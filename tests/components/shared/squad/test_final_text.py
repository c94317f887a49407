"""Word pieces are found again in the words of the context, as run_squad finds them."""

import pytest

from components.shared.squad.final_text import get_final_text
from components.shared.tokens.tokenizer import WordPieceTokenizer
from components.shared.tokens.vocabulary import SPECIAL_PIECES, Vocabulary


@pytest.fixture
def tokenizer(tmp_path) -> WordPieceTokenizer:
    path = tmp_path / "vocab.txt"
    path.write_text("\n".join(SPECIAL_PIECES) + "\n", encoding="utf-8")
    return WordPieceTokenizer(Vocabulary.read(path), lowercase=True)


@pytest.mark.parametrize(
    ("pieces", "words", "text"),
    [
        ("steve smith", "Steve Smith's", "Steve Smith"),
        ("1895", "(1895-1943)", "1895"),
        ("u . s .", "the U.S.", "U.S."),
        ("beyonce", "Beyoncé,", "Beyoncé"),
        ("smi", "Smith", "Smi"),
        # Hangul becomes several letters: nothing corresponds any more.
        ("korea", "한국(Korea)", "한국(Korea)"),
        # An unknown word piece is nowhere in the words.
        ("[UNK]", "Ωmega!", "Ωmega!"),
        ("", "(whole)", "(whole)"),
    ],
)
def test_gives_the_words_own_characters(tokenizer, pieces, words, text):
    """Or the words whole, where they can't be told apart."""
    assert get_final_text(pieces, words.split(), tokenizer.split_words) == text
