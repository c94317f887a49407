from itertools import accumulate

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from components.preprocess.rows import batch_tokenizer
from components.preprocess.rows.batch_tokenizer import BatchTokenizer
from components.shared.tokens.tokenizer import WordPieceTokenizer
from components.shared.tokens.vocabulary import SPECIAL_PIECES, Vocabulary

PIECES = (
    *SPECIAL_PIECES,
    *"abcdeé.,'-!0123σςßi東京к",
    *("##" + character for character in "abcde123σςк"),
    *("the", "un", "##aff", "##able", "abc", "##bc", "deed"),
)
VOCABULARY = Vocabulary(PIECES, 0, 1, 2, 3, 4, sha256="")

FRAGMENTS = (
    *(" ", "  ", "\t", "\r", "\v", "\x1c", "\x85", "\u00a0", "\u2028", "\u3000"),
    *("\0", "\0\0\0\0\0\0\0\0", "\u200b", "\ufffd", "\x07", "\u0301", "\U0001f600"),
    *("the", "The unaffable", "deed.", "a-b,c", "東京", "ÉΣ", "İ", "ß", "к" * 7),
    *("abcdeabc", "abcdeabcd", "abcde" * 3, "abcde" * 10, "a" * 16, "a" * 17, "a" * 48, "a" * 201),
)
# Pages and records have no lone surrogates: see components/shared/files/text.py.
CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\n")
LINES = st.lists(
    st.lists(
        st.one_of(st.sampled_from(FRAGMENTS), st.text(CHARACTERS, max_size=9)), max_size=12
    ).map("".join),
    max_size=12,
)


def encode(lines, tokenizer):
    """The pieces of all lines, and where each ends."""
    encoded = tokenizer.encode_lines("".join(f"{line}\n" for line in lines).encode())
    return encoded.piece_ids.tolist(), encoded.line_ends.tolist()


def expect(lines, tokenizer):
    """Encode the lines with the tokenizer itself."""
    encoded = tokenizer.encode_batch(lines)
    return [id_ for ids in encoded for id_ in ids], list(accumulate(map(len, encoded)))


@pytest.fixture
def tokenizer():
    return WordPieceTokenizer(VOCABULARY, lowercase=True)


@settings(max_examples=300)
@given(LINES, st.booleans())
@example(["the", "\0\0", "", "\0the", "the\0", " the  the "], True)
def test_pieces_are_those_of_the_tokenizer(lines, lowercase):
    """Any text gives the same pieces, when it is new and when it is known."""
    tokenizer = WordPieceTokenizer(VOCABULARY, lowercase=lowercase)
    expected = expect(lines, tokenizer)

    batching = BatchTokenizer(tokenizer)

    assert encode(lines, batching) == expected
    assert encode(lines, batching) == expected


def make_words(length):
    """Some hundred words of so many letters."""
    return [f"{number:0{length}b}".replace("0", "a").replace("1", "b") for number in range(500)]


@pytest.mark.parametrize("length", [9, 16, 17, 30, 60])
def test_tables_that_fill_up_are_begun_anew(tokenizer, monkeypatch, length):
    """In small tables runs collide, and probing wraps around."""
    monkeypatch.setattr(batch_tokenizer, "_TABLES", ((2, 7), (6, 7)))
    monkeypatch.setattr(batch_tokenizer, "_CHUNK_BYTES", 60)
    words = make_words(length)
    lines = [" ".join(words[start : start + 20]) for start in range(0, len(words), 20)]

    assert encode(lines * 2, BatchTokenizer(tokenizer)) == expect(lines * 2, tokenizer)


@pytest.mark.parametrize("space", [" ", "\n"])
def test_long_text_is_cut_at_spaces_and_lines(tokenizer, monkeypatch, space):
    """So that the arrays stay small, be it one line or a word a line."""
    monkeypatch.setattr(batch_tokenizer, "_CHUNK_BYTES", 100)
    text = space.join(make_words(12))

    chunks = list(batch_tokenizer._cut(f"{text}\n".encode()))

    assert max(map(len, chunks)) <= 100 + 13
    assert encode(text.split("\n"), BatchTokenizer(tokenizer)) == expect(
        text.split("\n"), tokenizer
    )


def test_pieces_of_very_long_runs_are_not_kept(tokenizer, monkeypatch):
    """A text without spaces does not stay in memory."""
    monkeypatch.setattr(batch_tokenizer, "_POOL_SIZE", 16)
    batching = BatchTokenizer(tokenizer)
    line = "東京" * 100

    encoded = encode([line, "the"], batching)

    assert batching._pool.end == 1
    assert not tokenizer._run_to_ids
    assert encoded == expect([line, "the"], tokenizer)
