"""Sentence pairs for next-sentence prediction, by the rules of google-research/bert.

A document is walked through in chunks of about the wished length. The first part of a
chunk is A; B is the rest of it or, half of the time, a text from a random other document,
and then the rest of the chunk is used again. Unlike there, a B that turns out to be what
follows A is labeled so, whatever it was drawn as.

A dataset has many more pairs than documents, so all documents of a bucket are paired at once, in
arrays. Each sentence has chances of its own: what a chunk becomes that begins with it is known
before the walk gets there, and the walk itself only follows the chunks.

Axes: D documents of a bucket, S sentences, N pairs.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from components.preprocess.batches import CORPORA
from components.preprocess.rows.buckets import Bucket
from components.preprocess.rows.random_bits import RandomBits

# [CLS] A [SEP] B [SEP]
NUM_SPECIAL_PIECES = 3

_RANDOM_NEXT_RATE = 0.5
_MIN_TARGET_LENGTH = 2


class Pairs(NamedTuple):
    """Pairs of a bucket, int64 [N] each: A and B are places in the bucket's pieces."""

    documents: np.ndarray
    """The index of A's document."""
    a_starts: np.ndarray
    a_ends: np.ndarray
    b_starts: np.ndarray
    b_ends: np.ndarray
    labels: np.ndarray
    """Google's: 1 where B is a random text, 0 where it follows A."""

    @property
    def num_tokens(self) -> np.ndarray:
        """int64 [N]: the tokens of each pair's sequence, with the special ones."""
        return self.a_ends - self.a_starts + self.b_ends - self.b_starts + NUM_SPECIAL_PIECES

    def choose(self, indices: np.ndarray | slice) -> "Pairs":
        """Return some of the pairs."""
        return Pairs(*(column[indices] for column in self))


def count_by_corpus(pairs: Pairs, bucket: Bucket) -> np.ndarray:
    """Return int64 [N, corpora]: the tokens of each pair, which count for the corpus of its A."""
    counts = np.zeros((len(pairs.documents), len(CORPORA)), dtype=np.int64)
    counts[np.arange(len(counts)), bucket.corpora[pairs.documents]] = pairs.num_tokens
    return counts


def pair_documents(
    bucket: Bucket,
    is_paired_D: np.ndarray,
    *,
    length: int,
    short_sequence_rate: float,
    bits: RandomBits,
) -> Pairs:
    """Pair one pass over documents, in their order.

    Args:
        bucket: the documents, and those their random partners come from.
        is_paired_D: which of them are paired.
        length: tokens that a sequence may have, with its special pieces.
        short_sequence_rate: how often a document's pass aims at fewer.
        bits: the only source of chance.
    """
    max_pieces = length - NUM_SPECIAL_PIECES
    num_documents = len(bucket.documents)
    is_short_D = bits.draw_chances(num_documents, short_sequence_rate)
    choices_D = np.full(num_documents, max_pieces - _MIN_TARGET_LENGTH + 1)
    short_D = _MIN_TARGET_LENGTH + bits.draw_below(choices_D)
    targets_D = np.where(is_short_D, short_D, max_pieces)

    # A chunk: a sentence and those after it, as few as reach the target.
    bounds, firsts = bucket.bounds, bucket.first_sentences
    document_S = np.repeat(np.arange(num_documents), np.diff(firsts))
    end_S = _find_ends(bucket, np.arange(len(document_S)), document_S, targets_D[document_S])
    num_inner_S = end_S - np.arange(len(document_S)) - 1
    middle_S = end_S - num_inner_S + bits.draw_below(num_inner_S)
    is_random_S = bits.draw_chances(len(document_S), _RANDOM_NEXT_RATE) | (num_inner_S == 0)
    next_S = np.where(is_random_S, middle_S, end_S)

    chunks = _walk(next_S.tolist(), firsts.tolist(), np.flatnonzero(is_paired_D).tolist())
    first_N = np.array(chunks, dtype=np.int64)
    documents, is_random = document_S[first_N], is_random_S[first_N]
    a_starts, a_ends = bounds[first_N], bounds[middle_S[first_N]]
    b_starts, b_ends = a_ends.copy(), bounds[end_S[first_N]]
    wished = (targets_D[documents] - (a_ends - a_starts))[is_random]
    b_starts[is_random], b_ends[is_random] = _draw_others(
        bucket, documents[is_random], wished, bits
    )
    pairs = Pairs(documents, a_starts, a_ends, b_starts, b_ends, is_random.astype(np.int64))
    pairs.labels[_find_following(bucket, pairs)] = 0
    return truncate(pairs, max_pieces, bits)


def _find_ends(
    bucket: Bucket, firsts: np.ndarray, documents: np.ndarray, targets: np.ndarray
) -> np.ndarray:
    """The sentence after the fewest from each first one on that reach a target, or the last."""
    bounds, ends = bucket.bounds, bucket.first_sentences[1:]
    reached = np.searchsorted(bounds, bounds[firsts] + targets)
    return np.clip(reached, firsts + 1, ends[documents])


def _walk(following: Sequence[int], firsts: Sequence[int], documents: Sequence[int]) -> list[int]:
    """The first sentence of each chunk of documents."""
    chunks = []
    for document in documents:
        first, end = firsts[document], firsts[document + 1]
        while first < end:
            chunks.append(first)
            first = following[first]
    return chunks


def _draw_others(
    bucket: Bucket, documents: np.ndarray, targets: np.ndarray, bits: RandomBits
) -> tuple[np.ndarray, np.ndarray]:
    """Sentences of another document from a random one on, until they reach a target."""
    num_others = len(bucket.documents) - 1
    others = bits.draw_below(np.full(len(documents), num_others))
    if num_others:  # else a document is its own partner
        others += others >= documents
    firsts = bucket.first_sentences
    first = firsts[others] + bits.draw_below(firsts[others + 1] - firsts[others])
    ends = _find_ends(bucket, first, others, targets)
    return bucket.bounds[first], bucket.bounds[ends]


def _find_following(bucket: Bucket, pairs: Pairs) -> np.ndarray:
    """The pairs drawn as random whose B reads just as the text after A does."""
    pieces, bounds = bucket.pieces, bucket.bounds
    document_ends = bounds[bucket.first_sentences[1:]][pairs.documents]
    after_ends = pairs.a_ends + pairs.b_ends - pairs.b_starts
    [fitting] = np.nonzero(pairs.labels & (after_ends <= document_ends))
    a_ends, b_starts = pairs.a_ends[fitting], pairs.b_starts[fitting]
    alike = fitting[pieces[a_ends] == pieces[b_starts]]
    spans = zip(
        pairs.a_ends[alike], after_ends[alike], pairs.b_starts[alike], pairs.b_ends[alike],
        strict=True,
    )  # fmt: skip
    is_following = [
        np.array_equal(pieces[a:a_end], pieces[b:b_end]) for a, a_end, b, b_end in spans
    ]
    return alike[np.array(is_following, dtype=bool)]


def truncate(pairs: Pairs, max_pieces: int, bits: RandomBits) -> Pairs:
    """Shorten the longer of A and B (B if equal) piece by piece, at either end by chance."""
    more_in_a = (pairs.a_ends - pairs.a_starts) - (pairs.b_ends - pairs.b_starts)
    excess = np.maximum(pairs.num_tokens - NUM_SPECIAL_PIECES - max_pieces, 0)
    from_longer = np.minimum(excess, np.abs(more_in_a))
    # Once they are equal, B goes first, then A, and so on.
    cut_a = (excess - from_longer) // 2 + np.where(more_in_a > 0, from_longer, 0)
    cut_b = excess - cut_a
    # Each piece goes from the front or the back with equal chance.
    front_a, front_b = bits.draw_heads(cut_a), bits.draw_heads(cut_b)
    return pairs._replace(
        a_starts=pairs.a_starts + front_a,
        a_ends=pairs.a_ends - (cut_a - front_a),
        b_starts=pairs.b_starts + front_b,
        b_ends=pairs.b_ends - (cut_b - front_b),
    )
