"""Sentences, by the splitter that the settings name.

All that a splitter needs is in its package or learned from the dump: nothing is fetched.

`sentencex`: Wikimedia's compiled rules, with the abbreviations of some 50 languages and
their nearest relatives'; at about 100 MB/s it costs next to nothing. The rules of
text/boundaries.py correct it.
`punkt`: NLTK's Punkt (Kiss and Strunk 2006), which learns from the dump itself what its
abbreviations are; 6 MB/s.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import sentencex

from components.preprocess.languages.facts import find_language
from components.preprocess.text.boundaries import correct_boundaries, may_be_cut

if TYPE_CHECKING:
    from nltk.tokenize.punkt import PunktParameters, PunktSentenceTokenizer

# The rules look for quotation marks that belong together, at the cost of the square of
# their number; no sentence is longer.
_MAX_PIECE_CHARACTERS = 10_000
_PIECE = re.compile(
    rf".{{1,{_MAX_PIECE_CHARACTERS}}}(?:\s|\Z)|.{{1,{_MAX_PIECE_CHARACTERS}}}", re.DOTALL
)

# sentencex 1.0.32 takes such a space for one byte, and panics if it stands between an initial and
# a point. An ASCII space gives the same word pieces.
_SPACE_BEFORE_POINT = re.compile(r"[^\S\0-\x7f](?=\.)")

# Separates paragraphs for sentencex, which splits each on its own and returns the break as a
# sentence. That holds for texts of up to 10 KiB, which so many characters never exceed.
_BREAK = "\n\n"
_MAX_GROUP_CHARACTERS = 10 * 1024 // 4


@dataclass(frozen=True)
class SentenceSplitter:
    """Cuts paragraphs into sentences; by sentencex, or by Punkt where it is given."""

    punkt: "PunktParameters | None" = None

    def split(self, paragraph: str, language: str) -> list[str]:
        """The sentences of a paragraph, in order; nothing is lost but spaces.

        Args:
            paragraph: text without markup.
            language: code of the dump's language, `de`; Punkt has learned its own.
        """
        if len(paragraph) <= _MAX_PIECE_CHARACTERS:
            sentences = self._split(paragraph, language)
        else:
            pieces = _PIECE.findall(paragraph)
            sentences = [one for piece in pieces for one in self._split(piece, language)]
        return [sentence for sentence in map(str.strip, sentences) if sentence]

    def split_all(self, paragraphs: Sequence[str], language: str) -> list[str]:
        """The sentences of several paragraphs, of a line each, as `split` gives them.

        sentencex takes short ones together: a call takes longer than a short paragraph.
        """
        if self.punkt is not None:
            return [one for paragraph in paragraphs for one in self.split(paragraph, language)]
        sentences = []
        for group in _group(paragraphs):
            if len(group) == 1:
                sentences += self.split(group[0], language)
            else:
                split = map(str.strip, _split_group(group, language))
                sentences += [sentence for sentence in split if sentence]
        return sentences

    def _split(self, paragraph: str, language: str) -> list[str]:
        if self.punkt is None:
            sentences = _segment(paragraph, language)
            return correct_boundaries(sentences, find_language(language).sentences)
        return self._tokenizer.tokenize(paragraph)

    @cached_property
    def _tokenizer(self) -> "PunktSentenceTokenizer":
        # Takes most of a second, which the others need not wait for.
        from nltk.tokenize.punkt import PunktSentenceTokenizer

        return PunktSentenceTokenizer(self.punkt)


def _segment(text: str, language: str) -> list[str]:
    if not text.isascii():
        text = _SPACE_BEFORE_POINT.sub(" ", text)
    return sentencex.segment(language, text)


def _group(paragraphs: Sequence[str]) -> Iterator[list[str]]:
    """Paragraphs that sentencex takes together."""
    group: list[str] = []
    num_characters = 0
    for paragraph in paragraphs:
        num_characters += len(paragraph) + len(_BREAK)
        if num_characters > _MAX_GROUP_CHARACTERS and group:
            yield group
            group, num_characters = [], len(paragraph) + len(_BREAK)
        group.append(paragraph)
    if group:
        yield group


def _split_group(paragraphs: list[str], language: str) -> list[str]:
    text = _BREAK.join(paragraphs)
    rules = find_language(language).sentences
    parts = _segment(text, language)
    if parts[::2] == paragraphs and not may_be_cut(text, rules):
        return paragraphs  # a sentence each
    sentences: list[str] = []
    start = 0
    for end in [*(index for index, part in enumerate(parts) if part == _BREAK), len(parts)]:
        sentences += correct_boundaries(parts[start:end], rules)
        start = end + 1
    return sentences
