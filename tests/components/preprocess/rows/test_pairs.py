from array import array
from bisect import bisect_right
from collections import Counter
from itertools import accumulate, chain, pairwise
from typing import NamedTuple
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.preprocess.rows.buckets import Bucket
from components.preprocess.rows.documents import Document
from components.preprocess.rows.pairs import Pairs, count_by_corpus, pair_documents, truncate
from components.preprocess.rows.random_bits import RandomBits


def make_document(page_id, *sentence_lengths, first_piece=None):
    """Pieces count up from `first_piece`, so that each tells where it comes from."""
    ends = list(accumulate(sentence_lengths))
    first = page_id * 10_000 if first_piece is None else first_piece
    return Document(
        0, page_id, page_id, array("I", range(first, first + ends[-1])), array("I", ends)
    )


class Span(NamedTuple):
    """Some pieces of a document, by its index."""

    document: int
    start: int
    end: int


class Pair(NamedTuple):
    """A pair by documents instead of places in a bucket."""

    first: Span
    second: Span
    label: int

    def __len__(self):
        return sum(one.end - one.start for one in (self.first, self.second)) + 3


def pair(documents, index=0, *, length=32, short_sequence_rate=0.0, seed=1):
    """The pairs of one of the documents."""
    is_paired = np.arange(len(documents)) == index
    pairs = pair_documents(
        Bucket(0, documents),
        is_paired,
        length=length,
        short_sequence_rate=short_sequence_rate,
        bits=RandomBits(seed),
    )
    located = locate(documents, pairs)
    assert all(one.first.document == index for one in located)
    return located


def locate(documents, pairs):
    starts = [0, *accumulate(len(one.piece_ids) for one in documents)]

    def find(start, end):
        document = bisect_right(starts, start) - 1
        return Span(document, start - starts[document], end - starts[document])

    located = []
    for of_document, *spans, label in zip(*map(np.ndarray.tolist, pairs), strict=True):
        located.append(Pair(find(*spans[:2]), find(*spans[2:]), label))
        assert located[-1].first.document == of_document
    return located


def test_true_next_is_the_rest_of_the_chunk():
    """Three sentences make a chunk; A is one or two of them, B the others, label 0."""
    documents = [make_document(1, 4, 4, 4), make_document(2, 30)]

    pairs = [pair(documents, seed=seed) for seed in range(40)]

    true = {tuple(found) for found in pairs if not found[0].label}
    assert true == {
        ((Span(0, 0, 4), Span(0, 4, 12), 0),),
        ((Span(0, 0, 8), Span(0, 8, 12), 0),),
    }


def test_random_next_comes_from_another_document_and_the_rest_is_used_again():
    """B is random: the chunk's other sentences start the next chunk."""
    documents = [make_document(1, 4, 4), make_document(2, 50)]

    pairs = pair(documents, seed=next(s for s in range(99) if pair(documents, seed=s)[0].label))

    assert pairs[0].first == Span(0, 0, 4)
    assert pairs[0].second.document == 1
    assert pairs[1].first == Span(0, 4, 8)


def test_document_of_one_sentence_has_a_random_partner():
    """Nothing follows a single sentence, so its B is always random."""
    documents = [make_document(1, 4), make_document(2, 6, 6)]

    labels = {pair(documents, seed=seed)[0].label for seed in range(20)}

    assert labels == {1}


def test_random_next_that_is_the_true_one_is_labeled_so():
    """In a bucket of one document, a random B may be what follows A: that is no random next."""
    documents = [make_document(1, 4, 4)]

    pairs = [one for seed in range(200) for one in pair(documents, seed=seed)]

    following = [one for one in pairs if one.second.start == one.first.end]
    others = [one for one in pairs if one.second.start != one.first.end]
    assert {one.label for one in following} == {0}
    assert {one.label for one in others} == {1}


def test_same_text_elsewhere_counts_as_following():
    """A B drawn from a document that reads just like the true next is labeled 0."""
    documents = [
        make_document(1, 4, 4, first_piece=0),
        Document(0, 2, 2, array("I", [4, 5, 6, 7]), array("I", [4])),
    ]

    labels = {pair(documents, seed=seed)[0].label for seed in range(20)}

    assert labels == {0}


def test_about_half_of_the_pairs_are_random():
    """With long documents of short sentences, B is random half of the time."""
    documents = [make_document(page, *[5] * 2000) for page in range(1, 6)]

    labels = Counter(one.label for index in range(5) for one in pair(documents, index, seed=index))

    assert 0.45 < labels[1] / labels.total() < 0.55


def test_short_passes_aim_at_fewer_pieces():
    """Always aiming short, the sequences' mean is about half of the room."""
    documents = [make_document(page, *[1] * 300) for page in range(1, 3)]

    full = pair(documents, length=128)
    short = [
        one
        for seed in range(200)
        for one in pair(documents, length=128, short_sequence_rate=1.0, seed=seed)[:1]
    ]

    assert len(full[0]) == 128
    assert 50 < sum(map(len, short)) / len(short) < 80


def cut(a, b, max_pieces, *, times=1):
    """The starts and ends of A and B, shortened several times."""
    spans = [np.full(times, place) for place in (*a, *b)]
    pairs = Pairs(np.zeros(times, int), *spans, np.zeros(times, int))
    return truncate(pairs, max_pieces, RandomBits(1))[1:5]


def test_truncation_takes_from_the_longer_until_it_fits():
    """30 and 10 pieces in room for 20: the longer loses all 20, from both ends."""
    [a_start], [a_end], [b_start], [b_end] = cut((100, 130), (0, 10), 20)

    assert (a_end - a_start, b_start, b_end) == (10, 0, 10)
    assert a_start > 100
    assert a_end < 130


@pytest.mark.parametrize(("excess", "lengths"), [(1, (10, 9)), (2, (9, 9)), (5, (8, 7))])
def test_truncation_of_equals_starts_with_b(excess, lengths):
    """Google's code shortens B where both are equally long."""
    [a_start], [a_end], [b_start], [b_end] = cut((0, 10), (30, 40), 20 - excess)

    assert (a_end - a_start, b_end - b_start) == lengths


def test_what_fits_is_not_truncated():
    """A sequence may be as long as the row."""
    assert [one.tolist() for one in cut((0, 10), (30, 40), 20)] == [[0], [10], [30], [40]]


@pytest.mark.parametrize("is_second", [False, True])
def test_each_piece_goes_from_either_end_with_equal_chance(is_second):
    """Of two pieces to cut, both come from the front in a quarter of the cases."""
    spans = ((20, 21), (0, 10)) if is_second else ((0, 10), (20, 21))
    fronts = Counter(cut(*spans, 9, times=4000)[2 * is_second].tolist())

    assert fronts[0] == pytest.approx(1000, abs=120)
    assert fronts[1] == pytest.approx(2000, abs=120)
    assert fronts[2] == pytest.approx(1000, abs=120)


@settings(max_examples=200)
@given(
    st.lists(st.lists(st.integers(1, 60), min_size=1, max_size=12), min_size=1, max_size=5),
    st.integers(5, 64),
    st.integers(0, 1 << 30),
)
def test_every_pair_is_whole_and_in_its_document(sentence_lengths, length, seed):
    """A and B have a piece at least, fit the row, and lie in one document each; A's move on."""
    documents = [make_document(page, *lengths) for page, lengths in enumerate(sentence_lengths)]

    pairs = pair(documents, length=length, short_sequence_rate=0.5, seed=seed)

    assert pairs
    for one in pairs:
        assert 5 <= len(one) <= length
        for span in one[:2]:
            assert 0 <= span.start < span.end <= len(documents[span.document].piece_ids)
    starts = [one.first.start for one in pairs]
    assert starts == sorted(set(starts))


class RecordedBits(RandomBits):
    """Records the numbers of each draw, in order."""

    def __init__(self, seed):
        super().__init__(seed)
        self.draws = []

    def draw_below(self, counts):
        self.draws.append(super().draw_below(counts).tolist())
        return np.array(self.draws[-1], dtype=np.int64)

    def draw_chances(self, count, rate):
        self.draws.append(super().draw_chances(count, rate).tolist())
        return np.array(self.draws[-1], dtype=bool)


def pair_as_google(documents, *, length, draws):
    """create_instances_from_document's rules, on lists of pieces instead of places.

    Gives A, B before they are shortened, and whether B was drawn at random.
    """
    is_short, short_targets, firsts_of_chunk, is_random_next, others, starts = map(iter, draws)
    firsts_of_chunk, is_random_next = list(firsts_of_chunk), list(is_random_next)
    instances = []
    num_before = 0  # sentences of the documents before
    for index, document in enumerate(documents):
        sentences = split_pieces(document)
        target, short_target = length - 3, next(short_targets) + 2
        if next(is_short):
            target = short_target
        chunk, place, first_place = [], 0, 0
        while place < len(sentences):
            chunk.append(sentences[place])
            is_last = place == len(sentences) - 1
            if is_last or sum(map(len, chunk)) >= target:
                chances = num_before + first_place
                num_first = 1 + firsts_of_chunk[chances] if len(chunk) >= 2 else 1
                first, second = list(chain(*chunk[:num_first])), []
                is_random = len(chunk) == 1 or is_random_next[chances]
                if is_random:
                    other = next(others)
                    other += other >= index  # never itself
                    texts = split_pieces(documents[other])
                    for text in texts[next(starts) :]:
                        second += text
                        if len(second) >= target - len(first):
                            break
                    place -= len(chunk) - num_first
                else:
                    second = list(chain(*chunk[num_first:]))
                instances.append((index, first, second, is_random))
                chunk, first_place = [], place + 1
            place += 1
        num_before += len(sentences)
    return instances


def split_pieces(document):
    ends = [0, *document.sentence_ends]
    return [list(document.piece_ids[start:end]) for start, end in pairwise(ends)]


@settings(max_examples=300)
@given(
    st.lists(st.lists(st.integers(1, 40), min_size=1, max_size=12), min_size=2, max_size=5),
    st.integers(5, 64),
    st.sampled_from([0.0, 0.1, 1.0]),
    st.integers(0, 1 << 30),
)
def test_pairs_are_those_of_googles_rules(sentence_lengths, length, short_rate, seed):
    """With the same chance, A and B are Google's, shortened to fit, and so are the labels."""
    documents = [make_document(page, *lengths) for page, lengths in enumerate(sentence_lengths)]
    bits = RecordedBits(seed)

    # Shortening draws in another way, so it is left to tests of its own.
    with patch("components.preprocess.rows.pairs.truncate", lambda pairs, *_: pairs):
        pairs = pair_documents(
            Bucket(0, documents),
            np.ones(len(documents), dtype=bool),
            length=length,
            short_sequence_rate=short_rate,
            bits=bits,
        )

    expected = pair_as_google(documents, length=length, draws=bits.draws)
    located = locate(documents, pairs)
    pieces = [
        [list(documents[one.document].piece_ids[one.start : one.end]) for one in found[:2]]
        for found in located
    ]
    assert pieces == [[first, second] for _, first, second, _ in expected]
    assert [one.first.document for one in located] == [index for index, *_ in expected]
    assert pairs.labels.tolist() == [is_random for *_, is_random in expected]


def test_tokens_count_for_the_corpus_of_the_first_segment():
    """With [CLS] and both [SEP]; B may come from another corpus."""
    documents = [make_document(1, 4), make_document(2, 6)._replace(corpus=1)]
    pairs = Pairs(*map(np.array, ([0, 1], [0, 5], [3, 10], [6, 0], [9, 4], [1, 1])))

    counts = count_by_corpus(pairs, Bucket(0, documents))

    assert counts.tolist() == [[9, 0], [0, 12]]
