from array import array
from bisect import bisect_right
from collections import Counter
from itertools import accumulate, chain, pairwise
from random import Random
from typing import NamedTuple
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.preprocess.rows.buckets import Bucket
from components.preprocess.rows.documents import Document
from components.preprocess.rows.pairs import _below, _truncate, pair_document


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


def pair(documents, index=0, *, length=32, short_sequence_rate=0.0, seed=1, rng=None):
    starts = [0, *accumulate(len(one.piece_ids) for one in documents)]

    def locate(start, end):
        document = bisect_right(starts, start) - 1
        return Span(document, start - starts[document], end - starts[document])

    pairs = pair_document(
        Bucket(0, documents),
        index,
        length=length,
        short_sequence_rate=short_sequence_rate,
        rng=rng or Random(seed),
    )
    located = []
    for of_document, *spans, label in pairs:
        located.append(Pair(locate(*spans[:2]), locate(*spans[2:]), label))
        assert located[-1].first.document == of_document == index
    return located


class FixedRandom(Random):
    """Chance that falls as the test wants: `random()` in order, whole numbers always lowest."""

    def __init__(self, *values):
        super().__init__(0)
        self._values = iter(values)

    def random(self):
        return next(self._values)

    def getrandbits(self, k):
        return 0


def test_whole_numbers_are_those_of_randrange():
    """So that datasets stay what they were, whatever a new Python does."""
    ours, pythons = Random(7), Random(7)

    for count in range(1, 2000):
        assert _below(ours.getrandbits, count) == pythons.randrange(count)


def test_true_next_is_the_rest_of_the_chunk():
    """Three sentences make a chunk; A is the first, B the two after it, label 0."""
    documents = [make_document(1, 4, 4, 4), make_document(2, 30)]

    pairs = pair(documents, rng=FixedRandom(0.9, 0.9))

    assert pairs == [(Span(0, 0, 4), Span(0, 4, 12), 0)]


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


def test_truncation_takes_from_the_longer_until_it_fits():
    """30 and 10 pieces in room for 20: the longer loses all 20, from both ends."""
    a_start, a_end, *b = _truncate((100, 130, 0, 10), 20, Random(1).getrandbits)

    assert (a_end - a_start, b) == (10, [0, 10])
    assert a_start > 100
    assert a_end < 130


@pytest.mark.parametrize(("excess", "lengths"), [(1, (10, 9)), (2, (9, 9)), (5, (8, 7))])
def test_truncation_of_equals_starts_with_b(excess, lengths):
    """Google's code shortens B where both are equally long."""
    spans = _truncate((0, 10, 30, 40), 20 - excess, Random(1).getrandbits)

    assert (spans[1] - spans[0], spans[3] - spans[2]) == lengths


def test_each_piece_goes_from_either_end_with_equal_chance():
    """Of two pieces to cut, both come from the front in a quarter of the cases."""
    draw_bits = Random(1).getrandbits

    fronts = Counter(_truncate((0, 10, 20, 21), 9, draw_bits)[0] for _ in range(4000))

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


def pair_as_google(documents, index, *, length, short_sequence_rate, rng):
    """create_instances_from_document's rules, on lists of pieces instead of places.

    Gives A, B before they are shortened, and whether B was drawn at random.
    """
    sentences = split_pieces(documents[index])
    target = length - 3
    if rng.random() < short_sequence_rate:
        target = rng.randint(2, length - 3)
    chunk, place, instances = [], 0, []
    while place < len(sentences):
        chunk.append(sentences[place])
        is_last = place == len(sentences) - 1
        if is_last or sum(map(len, chunk)) >= target:
            num_first = rng.randint(1, len(chunk) - 1) if len(chunk) >= 2 else 1
            first, second = list(chain(*chunk[:num_first])), []
            is_random = len(chunk) == 1 or rng.random() < 0.5
            if is_random:
                for _ in range(10):
                    other = rng.randint(0, len(documents) - 1)
                    if other != index:
                        break
                texts = split_pieces(documents[other])
                for text in texts[rng.randint(0, len(texts) - 1) :]:
                    second += text
                    if len(second) >= target - len(first):
                        break
                place -= len(chunk) - num_first
            else:
                second = list(chain(*chunk[num_first:]))
            instances.append((first, second, is_random))
            chunk = []
        place += 1
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
    arguments = {"length": length, "short_sequence_rate": short_rate}

    # Shortening draws in another way, so it is left to tests of its own.
    with patch("components.preprocess.rows.pairs._truncate", lambda spans, *_: spans):
        pairs = pair(documents, **arguments, seed=seed)

    expected = pair_as_google(documents, 0, **arguments, rng=Random(seed))
    pieces = [
        [list(documents[one.document].piece_ids[one.start : one.end]) for one in found[:2]]
        for found in pairs
    ]
    assert pieces == [[first, second] for first, second, _ in expected]
    for found, (_, _, is_random) in zip(pairs, expected, strict=True):
        is_next = found.second.document == 0 and found.second.start == found.first.end
        assert found.label == (is_random and not is_next)
