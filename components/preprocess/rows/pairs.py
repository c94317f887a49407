"""Sentence pairs for next-sentence prediction, by the rules of google-research/bert.

A document is walked through in chunks of about the wished length. The first part of a
chunk is A; B is the rest of it or, half of the time, a text from a random other document,
and then the rest of the chunk is used again. Unlike there, a B that turns out to be what
follows A is labeled so, whatever it was drawn as.

A dataset has many more pairs than documents, so they are plain numbers: places in the pieces of
a whole bucket. Tuples with names take three times as long.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from random import Random
from typing import TypeAlias

from components.preprocess.rows.buckets import Bucket

# [CLS] A [SEP] B [SEP]
NUM_SPECIAL_PIECES = 3

Pair: TypeAlias = tuple[int, int, int, int, int, int]
"""The index of A's document, where A starts and ends, where B does, and Google's label."""

_RANDOM_NEXT_RATE = 0.5
_MIN_TARGET_LENGTH = 2
_TRIES_FOR_ANOTHER_DOCUMENT = 10

_IS_NEXT, _IS_RANDOM = 0, 1

_Bits: TypeAlias = Callable[[int], int]
_Spans: TypeAlias = tuple[int, int, int, int]


def pair_document(
    bucket: Bucket, index: int, *, length: int, short_sequence_rate: float, rng: Random
) -> Iterator[Pair]:
    """The pairs of one pass over a document.

    Args:
        bucket: the document and those its random partners come from.
        index: which of them it is.
        length: tokens that a sequence may have, with its special pieces.
        short_sequence_rate: how often the pass aims at fewer.
        rng: the only source of chance.
    """
    bounds = bucket.bounds
    draw, draw_bits = rng.random, rng.getrandbits
    max_pieces = length - NUM_SPECIAL_PIECES
    target = max_pieces
    if draw() < short_sequence_rate:
        target = _MIN_TARGET_LENGTH + _below(draw_bits, max_pieces - _MIN_TARGET_LENGTH + 1)
    first, last = bucket.first_sentences[index], bucket.first_sentences[index + 1]
    while first < last:
        # A chunk: the sentences from `first` to before `end`, as few as reach the target.
        a_start = bounds[first]
        end = bisect_left(bounds, a_start + target, first + 1, last)
        is_alone = end == first + 1
        middle = first + 1 + (0 if is_alone else _below(draw_bits, end - first - 1))
        a_end, label = bounds[middle], _IS_NEXT
        if is_alone or draw() < _RANDOM_NEXT_RATE:
            b_start, b_end = _draw_random(bucket, index, target - (a_end - a_start), draw_bits)
            if not _follows(bucket, index, a_end, b_start, b_end):
                label = _IS_RANDOM
            first = middle
        else:
            b_start, b_end = a_end, bounds[end]
            first = end
        spans = a_start, a_end, b_start, b_end
        if a_end - a_start + b_end - b_start > max_pieces:
            spans = _truncate(spans, max_pieces, draw_bits)
        yield (index, *spans, label)


def _below(draw_bits: _Bits, count: int) -> int:
    """Draw a number from 0 to count - 1.

    As `Random.randrange` does in Python 3.11 to 3.13, without what takes most of its time.
    """
    bits = count.bit_length()
    number = draw_bits(bits)
    while number >= count:
        number = draw_bits(bits)
    return number


def _draw_random(bucket: Bucket, index: int, target: int, draw_bits: _Bits) -> tuple[int, int]:
    """Sentences of another document from a random one on, until they reach the target."""
    first_sentences, bounds = bucket.first_sentences, bucket.bounds
    num_documents = len(first_sentences) - 1
    other = index
    for _ in range(_TRIES_FOR_ANOTHER_DOCUMENT):
        other = _below(draw_bits, num_documents)
        if other != index:
            break
    first, last = first_sentences[other], first_sentences[other + 1]
    first += _below(draw_bits, last - first)
    start = bounds[first]
    return start, bounds[bisect_left(bounds, start + target, first + 1, last)]


def _follows(bucket: Bucket, index: int, a_end: int, b_start: int, b_end: int) -> bool:
    """Whether B reads just as the text after A does, also where it comes from elsewhere."""
    pieces, after_end = bucket.pieces, a_end + b_end - b_start
    if after_end > bucket.bounds[bucket.first_sentences[index + 1]]:
        return False
    return pieces[a_end] == pieces[b_start] and pieces[a_end:after_end] == pieces[b_start:b_end]


def _truncate(spans: _Spans, max_pieces: int, draw_bits: _Bits) -> _Spans:
    """Shorten the longer of the two (B if equal) piece by piece, at either end by chance."""
    a_start, a_end, b_start, b_end = spans
    more_in_a = (a_end - a_start) - (b_end - b_start)
    excess = a_end - a_start + b_end - b_start - max_pieces
    from_longer = min(excess, abs(more_in_a))
    rest = excess - from_longer
    # Once they are equal, B goes first, then A, and so on.
    cut_a = rest // 2
    if more_in_a > 0:
        cut_a += from_longer
    # Each piece goes from the front or the back with equal chance.
    if cut_a:
        front = draw_bits(cut_a).bit_count()
        a_start, a_end = a_start + front, a_end - (cut_a - front)
    if cut_b := excess - cut_a:
        front = draw_bits(cut_b).bit_count()
        b_start, b_end = b_start + front, b_end - (cut_b - front)
    return a_start, a_end, b_start, b_end
