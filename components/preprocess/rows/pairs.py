"""Sentence pairs for next-sentence prediction, by the rules of google-research/bert.

A document is walked through in chunks of about the wished length. The first part of a
chunk is A; B is the rest of it or, half of the time, a text from a random other document,
and then the rest of the chunk is used again. Unlike there, a B that turns out to be what
follows A is labeled so, whatever it was drawn as.
"""

from collections.abc import Iterator, Sequence
from random import Random
from typing import NamedTuple

from components.preprocess.rows.documents import Document

# [CLS] A [SEP] B [SEP]
NUM_SPECIAL_PIECES = 3

_RANDOM_NEXT_RATE = 0.5
_MIN_TARGET_LENGTH = 2
_TRIES_FOR_ANOTHER_DOCUMENT = 10

_IS_NEXT, _IS_RANDOM = 0, 1


class Span(NamedTuple):
    """Some pieces of a document, which is named by its index."""

    document: int
    start: int
    end: int


class Pair(NamedTuple):
    """A and B of a sequence, and Google's label: 1 where B is random."""

    first: Span
    second: Span
    label: int

    def __len__(self) -> int:
        first, second = self[0], self[1]
        return first.end - first.start + second.end - second.start + NUM_SPECIAL_PIECES


def pair_document(
    documents: Sequence[Document],
    index: int,
    *,
    length: int,
    short_sequence_rate: float,
    rng: Random,
) -> Iterator[Pair]:
    """The pairs of one pass over a document.

    Args:
        documents: the document and those its random partners come from.
        index: which of them it is.
        length: tokens that a sequence may have, with its special pieces.
        short_sequence_rate: how often the pass aims at fewer.
        rng: the only source of chance.
    """
    ends = documents[index].sentence_ends
    max_pieces = length - NUM_SPECIAL_PIECES
    target = max_pieces
    if rng.random() < short_sequence_rate:
        target = _MIN_TARGET_LENGTH + _below(rng, max_pieces - _MIN_TARGET_LENGTH + 1)
    first, sentence = 0, 0  # of the chunk: its first sentence, and the one in hand
    while sentence < len(ends):
        start = ends[first - 1] if first else 0
        if ends[sentence] - start < target and sentence < len(ends) - 1:
            sentence += 1
            continue
        num_sentences = sentence + 1 - first
        middle = first + (1 if num_sentences == 1 else 1 + _below(rng, num_sentences - 1))
        a = Span(index, start, ends[middle - 1])
        if num_sentences == 1 or rng.random() < _RANDOM_NEXT_RATE:
            b = _draw_random(documents, index, target - (a.end - a.start), rng)
            label = _IS_NEXT if _follows(documents, a, b) else _IS_RANDOM
            first = middle
        else:
            b, label = Span(index, a.end, ends[sentence]), _IS_NEXT
            first = sentence + 1
        yield Pair(*_truncate(a, b, max_pieces, rng), label)
        sentence = first


def _below(rng: Random, count: int) -> int:
    """Draw a number from 0 to count - 1.

    As `Random.randrange` does in Python 3.11 to 3.13, without what takes most of its time.
    """
    bits = count.bit_length()
    number = rng.getrandbits(bits)
    while number >= count:
        number = rng.getrandbits(bits)
    return number


def _draw_random(documents: Sequence[Document], index: int, target: int, rng: Random) -> Span:
    """Sentences of another document from a random one on, until they reach the target."""
    other = index
    for _ in range(_TRIES_FOR_ANOTHER_DOCUMENT):
        other = _below(rng, len(documents))
        if other != index:
            break
    ends = documents[other].sentence_ends
    sentence = _below(rng, len(ends))
    start = ends[sentence - 1] if sentence else 0
    while ends[sentence] - start < target and sentence < len(ends) - 1:
        sentence += 1
    return Span(other, start, ends[sentence])


def _follows(documents: Sequence[Document], a: Span, b: Span) -> bool:
    """Whether B reads just as the text after A does, also where it comes from elsewhere."""
    after, text = documents[a.document].piece_ids, documents[b.document].piece_ids
    if a.end == len(after) or after[a.end] != text[b.start]:
        return False
    return after[a.end : a.end + b.end - b.start] == text[b.start : b.end]


def _truncate(a: Span, b: Span, max_pieces: int, rng: Random) -> tuple[Span, Span]:
    """Shorten the longer of the two (B if equal) piece by piece, at either end by chance."""
    length_a, length_b = a.end - a.start, b.end - b.start
    excess = length_a + length_b - max_pieces
    if excess <= 0:
        return a, b
    from_longer = min(excess, abs(length_a - length_b))
    rest = excess - from_longer
    # Once they are equal, B goes first, then A, and so on.
    cut_a, cut_b = rest // 2, rest - rest // 2
    if length_a > length_b:
        cut_a += from_longer
    else:
        cut_b += from_longer
    return _cut(a, cut_a, rng), _cut(b, cut_b, rng)


def _cut(span: Span, count: int, rng: Random) -> Span:
    """Take pieces away, each from the front or the back with equal chance."""
    if not count:
        return span
    front = rng.getrandbits(count).bit_count()
    return Span(span.document, span.start + front, span.end - (count - front))
