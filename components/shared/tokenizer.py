"""BERT's tokenisation, as google-research/bert's tokenization.py defines it.

Hugging Face's WordPiece cuts words into pieces. The steps before it are Google's own, in
Python: Hugging Face's differ in the final sigma, in some Chinese characters, in private
and unassigned ones, and in literal "[SEP]" in a text. They are fast enough because
what stands between two spaces is worked out once: nearly all of a text has been seen before.
"""

import unicodedata
from collections.abc import Callable, Sequence
from itertools import chain

from tokenizers import models

from components.shared.vocabulary import Vocabulary

_MAX_WORD_CHARACTERS = 200
# Of a generation of the cache: together some 30 MB.
_MAX_CACHED_RUNS = 1 << 16

_CJK_RANGES = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)


class WordPieceTokenizer:
    """Splits text into the word pieces of a vocabulary."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        *,
        lowercase: bool,
        strip_accents: bool | None = None,
        tokenize_chinese_chars: bool = True,
    ) -> None:
        """Make a tokenizer; its settings are those of `Tokenization`."""
        self._lowercase = lowercase
        self._strips_accents = lowercase if strip_accents is None else strip_accents
        self._clean = _CLEAN if tokenize_chinese_chars else _CLEAN_ALONE
        self._model = models.WordPiece(
            {piece: id_ for id_, piece in enumerate(vocabulary.pieces)},
            unk_token="[UNK]",  # noqa: S106 - no password
            max_input_chars_per_word=_MAX_WORD_CHARACTERS,
        )
        self._run_to_ids = _Cache(self._encode_run)

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of each text's word pieces, without [CLS] and [SEP]."""
        if len(self._run_to_ids) > _MAX_CACHED_RUNS:
            self._run_to_ids.age()
        find = self._run_to_ids.__getitem__
        # No rule looks beyond a space, so the runs between spaces stand for themselves.
        return [list(chain.from_iterable(map(find, text.split(" ")))) for text in texts]

    def split_words(self, text: str) -> list[str]:
        """The words before they are cut into pieces (Google's BasicTokenizer)."""
        words = []
        for word in text.translate(self._clean).split():
            normal = word.lower() if self._lowercase else word
            if self._strips_accents:
                normal = _strip_accents(normal)
            words += normal.translate(_SET_PUNCTUATION_APART).split(" ")
        return [word for word in words if word]

    def _encode_run(self, run: str) -> tuple[int, ...]:
        return tuple(
            token.id for word in self.split_words(run) for token in self._model.tokenize(word)
        )


class _Cache(dict[str, tuple[int, ...]]):
    """The ids of runs of text, worked out when first asked for.

    In two generations, so that frequent runs stay while rare ones, which a large corpus never
    runs out of, go.
    """

    def __init__(self, encode: Callable[[str], tuple[int, ...]]) -> None:
        super().__init__()
        self._encode = encode
        self._older: dict[str, tuple[int, ...]] = {}

    def __missing__(self, run: str) -> tuple[int, ...]:
        ids = self._older.get(run)
        if ids is None:
            ids = self._encode(run)
        self[run] = ids
        return ids

    def age(self) -> None:
        """Begin a generation; what the one before the last had, and the last had not, goes."""
        self._older = dict(self)
        self.clear()


def _strip_accents(word: str) -> str:
    if word.isascii():
        return word
    decomposed = unicodedata.normalize("NFD", word)
    return "".join(character for character in decomposed if unicodedata.category(character) != "Mn")


class _Table(dict[int, str]):
    """What str.translate puts in place of each character, worked out when first met."""

    def __init__(self, replace: Callable[[str], str]) -> None:
        super().__init__()
        self._replace = replace

    def __missing__(self, code: int) -> str:
        text = self[code] = self._replace(chr(code))
        return text


def _clean(character: str) -> str:
    """Drop what can't be seen, and make each space one."""
    category = unicodedata.category(character)
    if character in "\t\n\r" or category == "Zs":
        return " "
    if character in "\0\ufffd" or category in ("Cc", "Cf"):
        return ""
    return character


def _clean_and_set_chinese_apart(character: str) -> str:
    if any(first <= ord(character) <= last for first, last in _CJK_RANGES):
        return f" {character} "
    return _clean(character)


def _set_punctuation_apart(character: str) -> str:
    """Put spaces around punctuation: all of ASCII's signs (also $ and ^) and Unicode's."""
    is_ascii_sign = "!" <= character <= "~" and not character.isalnum()
    if is_ascii_sign or unicodedata.category(character).startswith("P"):
        return f" {character} "
    return character


_CLEAN = _Table(_clean_and_set_chinese_apart)
_CLEAN_ALONE = _Table(_clean)
_SET_PUNCTUATION_APART = _Table(_set_punctuation_apart)
