"""Sentences, by the splitter that the settings name.

All that a splitter needs is in its package or learned from the dump: nothing is fetched.

`sentencex`: Wikimedia's compiled rules, with the abbreviations of some 50 languages and
their nearest relatives'; at about 100 MB/s it costs next to nothing. The rules of
text/boundaries.py correct it.
`punkt`: NLTK's Punkt (Kiss and Strunk 2006), which learns from the dump itself what its
abbreviations are; 6 MB/s.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import sentencex

from components.preprocess.languages.facts import find_language
from components.preprocess.text.boundaries import correct_boundaries

if TYPE_CHECKING:
    from nltk.tokenize.punkt import PunktParameters, PunktSentenceTokenizer

# The rules look for quotation marks that belong together, at the cost of the square of
# their number; no sentence is longer.
_MAX_PIECE_CHARACTERS = 10_000
_PIECE = re.compile(
    rf".{{1,{_MAX_PIECE_CHARACTERS}}}(?:\s|\Z)|.{{1,{_MAX_PIECE_CHARACTERS}}}", re.DOTALL
)


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

    def _split(self, paragraph: str, language: str) -> list[str]:
        if self.punkt is None:
            sentences = sentencex.segment(language, paragraph)
            return correct_boundaries(sentences, find_language(language).sentences)
        return self._tokenizer.tokenize(paragraph)

    @cached_property
    def _tokenizer(self) -> "PunktSentenceTokenizer":
        # Takes most of a second, which the others need not wait for.
        from nltk.tokenize.punkt import PunktSentenceTokenizer

        return PunktSentenceTokenizer(self.punkt)
