"""Sentences as word pieces: run_classifier's rules."""

import pytest

from components.shared.classification.features import cut_longest_first, make_features
from components.shared.classification.sentences import Row, read_rows, write_sentences
from components.shared.tokens.tokenizer import WordPieceTokenizer
from components.shared.tokens.vocabulary import Vocabulary

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "one", "two", "##s", "🙂", "שלום"]


@pytest.fixture
def vocabulary(tmp_path) -> Vocabulary:
    path = tmp_path / "vocab.txt"
    path.write_text("\n".join(PIECES) + "\n", encoding="utf-8")
    return Vocabulary.read(path)


def make(vocabulary, *rows: Row, max_length_tokens=16) -> list[tuple]:
    tokenizer = WordPieceTokenizer(vocabulary, lowercase=True)
    features = make_features(rows, tokenizer, vocabulary, max_length_tokens=max_length_tokens)
    return [
        (" ".join(PIECES[id_] for id_ in one.token_ids), one.first_segment_length)
        for one in features
    ]


def test_single_sentences_and_pairs(vocabulary):
    """A pair has two [SEP], a second sentence without text too."""
    rows = (Row("One twos", None, "x"), Row("one", "TWO", "x"), Row("one", "", "x"))

    assert make(vocabulary, *rows) == [
        ("[CLS] one two ##s [SEP]", 5),
        ("[CLS] one [SEP] two [SEP]", 3),
        ("[CLS] one [SEP] [SEP]", 3),
    ]


def test_emoji_and_right_to_left_text_are_pieces_like_others(vocabulary):
    """What the vocabulary lacks is [UNK]."""
    row = Row("🙂 👩‍👩‍👧 שלום مرحبا", None, "x")

    assert make(vocabulary, row) == [("[CLS] 🙂 [UNK] שלום [UNK] [SEP]", 6)]


def test_the_longer_sentence_loses_its_end(vocabulary):
    """To six tokens: one sentence keeps four pieces, a pair three."""
    rows = (Row("one two one two one", None, "x"), Row("one two", "two two two", "x"))

    assert make(vocabulary, *rows, max_length_tokens=6) == [
        ("[CLS] one two one two [SEP]", 6),
        ("[CLS] one two [SEP] two [SEP]", 4),
    ]


def test_sentences_are_cut_as_googles_loop_cuts_them():
    """_truncate_seq_pair takes one token at a time, of the longer, else of the second."""

    def truncate(first: int, second: int, room: int) -> tuple[int, int]:
        while first + second > room:
            first, second = (first - 1, second) if first > second else (first, second - 1)
        return first, second

    for first in range(12):
        for second in range(12):
            for room in range(16):
                expected = truncate(first, second, room)
                assert cut_longest_first(first, second, room) == expected


def test_rows_come_back_as_they_were_written(tmp_path):
    """Line ends within a sentence, and what other readers take for some."""
    rows = [Row("a\nb\u2028c\x85", None, "0"), Row('"x', "y\t", "🙂")]

    write_sentences(tmp_path / "out", ["0", "🙂"], "🙂", {"train": rows, "dev": rows[:1]})

    assert read_rows(tmp_path / "out", "train") == rows
    assert read_rows(tmp_path / "out", "dev") == rows[:1]
