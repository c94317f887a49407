import bz2
import functools
import unicodedata
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.shared.tokens import tokenizer as tokenizer_module
from components.shared.tokens.tokenizer import WordPieceTokenizer
from components.shared.tokens.vocabulary import SPECIAL_PIECES, Vocabulary

PIECES = (
    *SPECIAL_PIECES,
    *"abcdeé[]!#-.,'0123σςßİ東京α",
    *("##" + character for character in "abcdeé123σςßα̇"),
    *("the", "un", "##aff", "##able", "sep", "mask", "cls", "ab", "abc", "##bc", "##cd", "deed"),
)
VOCABULARY = Vocabulary(PIECES, 0, 1, 2, 3, 4, sha256="")


class GoogleTokenizer:
    """The rules of google-research/bert's tokenization.py, stated one by one."""

    def __init__(self, pieces, *, lowercase):
        self._piece_to_id = {piece: id_ for id_, piece in enumerate(pieces)}
        self._lowercase = lowercase

    def encode(self, text):
        return [id_ for word in self.split_words(text) for id_ in self._cut_word(word)]

    def split_words(self, text):
        spaced = "".join(map(self._clean, text))
        words = []
        for word in spaced.split():
            words += self._split_punctuation(self._lower(word) if self._lowercase else word)
        return words

    @staticmethod
    def _lower(word):
        decomposed = unicodedata.normalize("NFD", word.lower())
        return "".join(one for one in decomposed if unicodedata.category(one) != "Mn")

    def _clean(self, character):
        """Drop what can't be seen, make every space one, set CJK apart."""
        category = unicodedata.category(character)
        if character in "\t\n\r" or category == "Zs":
            return " "
        if ord(character) in (0, 0xFFFD) or category in ("Cc", "Cf"):
            return ""
        return f" {character} " if self._is_cjk(ord(character)) else character

    @staticmethod
    def _is_cjk(code):
        ranges = (
            (0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F),
            (0x2B740, 0x2B81F), (0x2B820, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F),
        )  # fmt: skip
        return any(first <= code <= last for first, last in ranges)

    @staticmethod
    def _split_punctuation(word):
        parts = [""]
        for character in word:
            code = ord(character)
            is_ascii_sign = (
                33 <= code <= 47 or 58 <= code <= 64 or 91 <= code <= 96 or 123 <= code <= 126
            )
            if is_ascii_sign or unicodedata.category(character).startswith("P"):
                parts += [character, ""]
            else:
                parts[-1] += character
        return [part for part in parts if part]

    def _cut_word(self, word):
        """Longest piece first, from the left; a word that can't be cut is unknown."""
        unknown = [self._piece_to_id["[UNK]"]]
        if len(word) > 200:
            return unknown
        ids, start = [], 0
        while start < len(word):
            prefix = "##" if start else ""
            for end in range(len(word), start, -1):
                if prefix + word[start:end] in self._piece_to_id:
                    ids.append(self._piece_to_id[prefix + word[start:end]])
                    start = end
                    break
            else:
                return unknown
        return ids


def encode(text, *, lowercase=True):
    return WordPieceTokenizer(VOCABULARY, lowercase=lowercase).encode_batch([text])[0]


def pieces(text, *, lowercase=True):
    return [PIECES[id_] for id_ in encode(text, lowercase=lowercase)]


def test_longest_piece_comes_first():
    """The example of Google's tokenization.py."""
    assert pieces("unaffable") == ["un", "##aff", "##able"]


def test_word_that_cannot_be_cut_is_unknown_as_a_whole():
    """A word ends in [UNK], not in some pieces and [UNK]."""
    assert pieces("the abz the") == ["the", "[UNK]", "the"]


def test_special_pieces_in_a_text_are_text():
    """An article that writes [SEP] doesn't end a segment."""
    assert pieces("[SEP] [MASK]") == ["[", "sep", "]", "[", "mask", "]"]


@pytest.mark.parametrize(("length", "expected"), [(199, 199), (200, 200), (201, 1)])
def test_words_have_200_characters_at_most(length, expected):
    """Beyond 200 characters a word is unknown, as in Google's code."""
    assert len(encode("a" * length)) == expected


def test_uncased_text_loses_case_and_accents():
    """É is e for an uncased model, and É for a cased one."""
    assert pieces("ABC dÉ") == ["abc", "d", "##e"]
    assert pieces("É", lowercase=False) == ["[UNK]"]
    assert pieces("é", lowercase=False) == ["é"]


def test_final_sigma_is_lowered_as_python_does():
    """Σ at the end of a word is ς."""
    assert pieces("ΑΣΑ ΑΣ") == ["α", "##σ", "##α", "α", "##ς"]


def test_chinese_characters_are_words():
    """Text without spaces is set apart character by character."""
    assert pieces("東京abc") == ["東", "京", "abc"]


def test_invisible_characters_are_gone():
    """A soft hyphen or zero-width space within a word leaves the word."""
    assert pieces("a\u00adb\u200bc\x00") == ["abc"]


def test_batch_keeps_the_order_of_texts():
    """One list of ids for each text, empty for an empty one."""
    tokenizer = WordPieceTokenizer(VOCABULARY, lowercase=True)

    assert tokenizer.encode_batch(["the", "", "ab"]) == [
        [PIECES.index("the")],
        [],
        [PIECES.index("ab")],
    ]


def test_what_is_remembered_has_a_bound_and_changes_nothing(monkeypatch):
    """Runs that come again are worked out once; rare ones go."""
    monkeypatch.setattr(tokenizer_module, "_MAX_CACHED_RUNS", 20)
    tokenizer = WordPieceTokenizer(VOCABULARY, lowercase=True)
    google = GoogleTokenizer(PIECES, lowercase=True)
    encoded = Counter()
    encode_word = tokenizer._encode_word
    tokenizer._encode_word = lambda word: (encoded.update([word]), encode_word(word))[1]

    for number in range(100):
        texts = [f"unaffable {first}{number}" for first in "abcde"]
        assert tokenizer.encode_batch(texts) == [google.encode(text) for text in texts]

    assert encoded["unaffable"] == 1
    tokenizer.encode_batch(["a0"])
    assert encoded["a0"] == 2


def test_words_are_those_before_cutting():
    """split_words gives Google's basic tokens."""
    tokenizer = WordPieceTokenizer(VOCABULARY, lowercase=True)

    assert tokenizer.split_words("Don't Stop.") == ["don", "'", "t", "stop", "."]


# What tokenizers treat differently from one another, by kind.
FRAGMENTS = (
    "\0", "\x07", "\x7f", "\x85", "\ufffd",  # control characters
    "\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u202e",  # invisible
    "\u00a0", "\u2009", "\u3000", "\u1680", "\u2028", "\u2029", "\x0b", "\x0c", "\x1c", "\t\r\n",
    "東京", "\u3400", "\U00020000", "\U0002b820", "\uf900", "\u3042", "\uac00", "\U00030000",  # CJK
    "ΑΣ", "ΑΣ ", "Σ", "ΑΣΑ", "ΑΣ.", "ΑΣ\u0301", "Α\u00adΣ",  # final sigma, or not
    "\ufb01", "\ufb03", "ß", "ẞ", "ǆ", "½", "²", "™", "Ａ", "１", "！",  # ligatures, full width
    "é", "e\u0301", "É", "\u0301", "İ", "ı", "ä\u0323", "\u093f", "\u20dd", "ё", "Й",  # accents
    "👩\u200d🚀", "👍🏽", "🇫🇷", "\ufe0f", "\u20e3", "\U000e0067",  # emoji
    "\ue000", "\U000f0000", "\u0378", "\uffff",  # private and unassigned
    "[SEP]", "[CLS]", "[MASK]", "[UNK]", "[PAD]", "[sep]", "##aff", "##",  # pieces as text
    "$", "^", "`", "~", "+", "<", "=", "|", "«", "…", "—", "。", "、", "\u2019", "\u00b7", "¿",
    "unaffable", "the", "AB", "abcd", "DEED", "0123", "'s", "don't", " ", "  ",
)  # fmt: skip
characters = st.one_of(
    st.sampled_from("abcdeABCDE []!#'-. 0123"),
    st.sampled_from(FRAGMENTS),
    st.characters(exclude_categories=["Cs"]),  # UTF-8 has no lone surrogates
)
texts = st.lists(characters, max_size=40).map("".join)


@settings(max_examples=2000)
@given(texts, st.booleans())
def test_every_text_is_cut_by_googles_rules(text, lowercase):
    """Any text gives the ids that the rules give."""
    expected = GoogleTokenizer(PIECES, lowercase=lowercase).encode(text)

    assert encode(text, lowercase=lowercase) == expected


@pytest.mark.parametrize("fragment", FRAGMENTS)
@pytest.mark.parametrize("lowercase", [True, False])
def test_every_kind_of_character_is_cut_by_googles_rules(fragment, lowercase):
    """Alone, within a word, at its ends, twice, and beside punctuation."""
    google = GoogleTokenizer(PIECES, lowercase=lowercase)

    for text in (
        fragment, f"ab{fragment}cd", f"{fragment}ab", f"ab{fragment}", fragment * 2,
        f"({fragment})", f"Σ{fragment}Σ",
    ):  # fmt: skip
        assert encode(text, lowercase=lowercase) == google.encode(text), text


@settings(max_examples=200)
@given(st.sampled_from(["a", "İ", "é", "e\u0301", "東", "a\u200b", "A"]), st.integers(95, 205))
def test_long_words_are_cut_by_googles_rules(character, length):
    """The limit counts what is left once invisible characters and accents are gone."""
    text = character * length

    assert encode(text) == GoogleTokenizer(PIECES, lowercase=True).encode(text)


@pytest.mark.slow
def test_real_articles_are_cut_by_googles_rules(real_data):
    """All text of two excerpts, markup and all, gives the ids that the rules give."""
    vocabulary = Vocabulary.read(real_data / "uncased-vocab.txt")
    google = GoogleTokenizer(vocabulary.pieces, lowercase=True)
    for rule in ("_clean", "_lower", "_split_punctuation", "_cut_word"):  # Google's code is slow
        setattr(google, rule, functools.cache(getattr(google, rule)))
    num_pieces = 0
    for name in ("enwiki-excerpt.xml.bz2", "enwiktionary-excerpt-multistream.xml.bz2"):
        with bz2.open(real_data / name, "rt", encoding="utf-8") as dump:
            lines = dump.read().split("\n")

        encoded = WordPieceTokenizer(vocabulary, lowercase=True).encode_batch(lines)

        assert encoded == [google.encode(line) for line in lines]
        num_pieces += sum(map(len, encoded))
    assert num_pieces > 2_000_000
