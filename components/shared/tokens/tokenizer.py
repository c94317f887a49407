"""BERT's tokenization, as google-research/bert's tokenization.py defines it.

Hugging Face's WordPiece cuts words into pieces. The steps before it are Google's own, in
Python: Hugging Face's differ in the final sigma, in some Chinese characters, in private
and unassigned ones, and in literal "[SEP]" in a text. They are fast enough because
what stands between two spaces is worked out once: nearly all of a text has been seen before.
"""

import re
import unicodedata
from array import array
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import chain, groupby
from typing import NamedTuple

from tokenizers import models

from components.shared.tokens.vocabulary import Vocabulary

ID_TYPE = "I"
"""array's 4-byte unsigned: a third of the memory of a list of ints."""

_MAX_WORD_CHARACTERS = 200
_UNKNOWN = "[UNK]"
# The words of ASCII without control characters, by the rules below.
_ASCII_WORD = re.compile(r"[A-Za-z0-9]+|[!-/:-@\[-`{-~]")
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


# Scripts that write no space between words; Chinese characters are words of their own already.
_SCRIPTS_WITHOUT_SPACES = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x0F00, 0x0FFF),  # Tibetan
    (0x1000, 0x109F),  # Burmese
    (0x1780, 0x17FF),  # Khmer
    (0x1950, 0x19DF),  # Tai Le, New Tai Lue
    (0x1A20, 0x1AAF),  # Tai Tham
    (0x1B00, 0x1B7F),  # Balinese
    (0x3040, 0x30FF),  # Hiragana, Katakana
    (0x31F0, 0x31FF),
    (0xA000, 0xA4CF),  # Yi
    (0xA980, 0xA9FF),  # Javanese, Burmese
    (0xAA60, 0xAADF),  # Burmese, Tai Viet
    (0xFF66, 0xFF9D),  # halfwidth Katakana
)


class Piece(NamedTuple):
    """A word piece and the characters of the text that it stands for."""

    id: int
    start: int
    end: int


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
        piece_to_id = {piece: id_ for id_, piece in enumerate(vocabulary.pieces)}
        self._piece_to_packed = {
            piece: array(ID_TYPE, [id_]).tobytes() for piece, id_ in piece_to_id.items()
        }
        self._model = models.WordPiece(
            piece_to_id,
            unk_token=_UNKNOWN,
            max_input_chars_per_word=_MAX_WORD_CHARACTERS,
        )
        self._run_to_ids = _Cache(self.encode_run)

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of each text's word pieces, without [CLS] and [SEP]."""
        if len(self._run_to_ids) > _MAX_CACHED_RUNS:
            self._run_to_ids.age()
        find = self._run_to_ids.__getitem__
        # No rule looks beyond a space, so the runs between spaces stand for themselves.
        packed = (b"".join(map(find, text.split(" "))) for text in texts)
        return [array(ID_TYPE, ids).tolist() for ids in packed]

    def encode_run(self, run: str) -> bytes:
        """The ids of what stands between two spaces, worked out anew each time."""
        if run.isascii() and run.isalnum():  # a word, as most runs are
            return self._encode_word(run.lower() if self._lowercase else run)
        return b"".join(map(self._encode_word, self.split_words(run)))

    def encode_with_places(self, text: str) -> list[Piece]:
        """Return the word pieces of a text with their places.

        They are those of `encode_batch` but for one thing: an unknown word of a script without
        spaces, which may be a sentence, is cut into characters.
        """
        pieces = []
        for word, origins in self._split_with_origins(text):
            place = 0
            for id_, length in self._cut(word):
                end = origins[place + length - 1] + 1
                # Marks that lower-casing strips belong to the letter before them.
                while end < len(text) and self._drops_mark(text[end]):
                    end += 1
                pieces.append(Piece(id_, origins[place], end))
                place += length
        return pieces

    def _cut(self, word: str) -> list[tuple[int, int]]:
        """Return the ids of a word's pieces, and how many characters of it each has."""
        tokens = self._model.tokenize(word)
        if len(tokens) == 1:
            is_unknown = tokens[0].value == _UNKNOWN
            if is_unknown and len(word) > 1 and any(map(_is_without_spaces, word)):
                characters = _split_characters(word)
                if len(characters) > 1:
                    return list(chain.from_iterable(map(self._cut, characters)))
            return [(tokens[0].id, len(word))]
        # All but the first begin with ##.
        return [
            (token.id, len(token.value) - 2 * (number > 0)) for number, token in enumerate(tokens)
        ]

    def _split_with_origins(self, text: str) -> Iterator[tuple[str, list[int]]]:
        """Split a text as `split_words`, and say which character of it each one comes from."""
        cleaned = [
            (character, origin)
            for origin, original in enumerate(text)
            for character in original.translate(self._clean)
        ]
        for run in _split_at(cleaned, str.isspace):
            normal = self._normalize("".join(character for character, _ in run))
            # Case depends on neighbors (the final sigma), the number of characters does not.
            origins = [origin for character, origin in run for _ in self._normalize(character)]
            apart = [
                (character, origin)
                for normal_character, origin in zip(normal, origins, strict=True)
                for character in normal_character.translate(_SET_PUNCTUATION_APART)
            ]
            for part in _split_at(apart, lambda character: character == " "):
                yield "".join(character for character, _ in part), [origin for _, origin in part]

    def _drops_mark(self, character: str) -> bool:
        return not self._normalize(character)

    def _normalize(self, word: str) -> str:
        normal = word.lower() if self._lowercase else word
        return _strip_accents(normal) if self._strips_accents else normal

    def split_words(self, text: str) -> list[str]:
        """The words before they are cut into pieces (Google's BasicTokenizer)."""
        if text.isascii() and text.isprintable():  # most runs, which no table need look at
            return _ASCII_WORD.findall(text.lower() if self._lowercase else text)
        words = []
        for word in text.translate(self._clean).split():
            words += self._normalize(word).translate(_SET_PUNCTUATION_APART).split(" ")
        return [word for word in words if word]

    def _encode_word(self, word: str) -> bytes:
        # A word that is a piece is one; the longest piece that fits is taken first.
        packed = self._piece_to_packed.get(word)
        if packed is None or len(word) > _MAX_WORD_CHARACTERS:
            return array(ID_TYPE, [token.id for token in self._model.tokenize(word)]).tobytes()
        return packed


class _Cache(dict[str, bytes]):
    """The ids of runs of text, worked out when first asked for.

    In two generations, so that frequent runs stay while rare ones, which a large corpus never
    runs out of, go.
    """

    def __init__(self, encode: Callable[[str], bytes]) -> None:
        super().__init__()
        self._encode = encode
        self._older: dict[str, bytes] = {}

    def __missing__(self, run: str) -> bytes:
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


def _split_at(
    characters: Sequence[tuple[str, int]], is_space: Callable[[str], bool]
) -> Iterator[list[tuple[str, int]]]:
    for parts, run in groupby(characters, lambda item: is_space(item[0])):
        if not parts:
            yield list(run)


def _split_characters(word: str) -> list[str]:
    """Split a word into characters, each with the marks that follow it."""
    characters: list[str] = []
    for character in word:
        if characters and unicodedata.category(character).startswith("M"):
            characters[-1] += character
        else:
            characters.append(character)
    return characters


@lru_cache(1 << 12)
def _is_without_spaces(character: str) -> bool:
    return any(first <= ord(character) <= last for first, last in _SCRIPTS_WITHOUT_SPACES)


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
