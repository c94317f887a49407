from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.preprocess.rows.masks import mask_sequence
from components.shared.tokens.vocabulary import SPECIAL_PIECES, Vocabulary

CLS, SEP, MASK = 2, 3, 4
WORDS, CONTINUATIONS = range(5, 605), range(605, 1005)
VOCABULARY = Vocabulary(
    (*SPECIAL_PIECES, *(f"w{number}" for number in WORDS), *(f"##{n}" for n in CONTINUATIONS)),
    0, 1, CLS, SEP, MASK, sha256="",
)  # fmt: skip


def mask(token_ids, *, mask_rate=0.15, max_predictions=20, whole_word_masking=False, seed=1):
    return mask_sequence(
        token_ids,
        vocabulary=VOCABULARY,
        mask_rate=mask_rate,
        max_predictions=max_predictions,
        whole_word_masking=whole_word_masking,
        rng=Random(seed),
    )


def make_sequence(length):
    first = length // 2
    return [CLS, *WORDS[: first - 2], SEP, *WORDS[first - 2 : length - 3], SEP]


@pytest.mark.parametrize(
    ("length", "mask_rate", "max_predictions", "expected"),
    [
        (128, 0.15, 20, 19),  # round(19.2)
        (127, 0.15, 20, 19),  # round(19.05)
        (30, 0.15, 20, 4),  # round(4.5): halves to even, as in Google's Python
        (128, 0.15, 10, 10),
        (512, 0.15, 80, 77),
        (6, 0.01, 20, 1),
    ],
)
def test_share_of_all_tokens_is_chosen(length, mask_rate, max_predictions, expected):
    """[CLS] and [SEP] count in the length; one is chosen at least, and no more than allowed."""
    masked = mask(make_sequence(length), mask_rate=mask_rate, max_predictions=max_predictions)

    assert len(masked.positions) == len(masked.targets) == expected


@settings(max_examples=200)
@given(
    st.lists(st.sampled_from([*WORDS[:20], *CONTINUATIONS[:20]]), min_size=1, max_size=60),
    st.lists(st.sampled_from([*WORDS[:20], *CONTINUATIONS[:20]]), min_size=1, max_size=60),
    st.booleans(),
    st.integers(1, 30),
    st.integers(0, 1 << 30),
)
def test_targets_are_what_stood_there(first, second, whole_word_masking, max_predictions, seed):
    """Nothing but the chosen places changes, and the original is restored by the targets."""
    token_ids = [CLS, *first, SEP, *second, SEP]

    masked = mask(
        token_ids,
        max_predictions=max_predictions,
        whole_word_masking=whole_word_masking,
        seed=seed,
    )

    restored = list(masked.token_ids)
    for place, target in zip(masked.positions, masked.targets, strict=True):
        assert target not in (CLS, SEP)
        restored[place] = target
    assert restored == token_ids
    assert masked.positions == sorted(set(masked.positions))
    assert len(masked.positions) <= max_predictions


def test_eight_of_ten_are_hidden_one_stays_one_is_random():
    """Google's 80/10/10; the random piece may be any of the vocabulary, also a special one."""
    token_ids = make_sequence(128)
    outcomes, drawn = Counter(), Counter()

    for seed in range(3000):
        masked = mask(token_ids, seed=seed)
        for place, target in zip(masked.positions, masked.targets, strict=True):
            now = masked.token_ids[place]
            outcomes["hidden" if now == MASK else "kept" if now == target else "random"] += 1
            if now not in (MASK, target):
                drawn[now] += 1

    assert outcomes["hidden"] / outcomes.total() == pytest.approx(0.8, abs=0.01)
    assert outcomes["kept"] / outcomes.total() == pytest.approx(0.1, abs=0.01)
    assert outcomes["random"] / outcomes.total() == pytest.approx(0.1, abs=0.01)
    assert len(drawn) > 950
    assert any(id_ < 4 for id_ in drawn)


def test_every_place_is_chosen_alike():
    """No place but those of special pieces is preferred."""
    token_ids = make_sequence(40)

    places = Counter(
        place for seed in range(4000) for place in mask(token_ids, seed=seed).positions
    )

    assert set(places) == {place for place in range(40) if token_ids[place] not in (CLS, SEP)}
    assert min(places.values()) > 0.8 * max(places.values())


def test_whole_words_are_chosen_with_all_their_pieces():
    """All pieces of a word or none; B that begins within a word is none of A's."""
    continuation = CONTINUATIONS[0]
    word = [WORDS[0], continuation, continuation]
    token_ids = [CLS, *word * 4, SEP, continuation, *word * 4, SEP]
    words = [range(start, start + 3) for start in (1, 4, 7, 10, 15, 18, 21, 24)]

    masks = [mask(token_ids, whole_word_masking=True, seed=seed).positions for seed in range(200)]

    for positions in masks:
        assert all(len(set(one) & set(positions)) in (0, 3) for one in words)
        assert len(positions) == 4 or 14 not in positions  # round(28 * 0.15): a word and the piece
    assert any(14 in positions for positions in masks)


def test_word_too_long_to_choose_is_skipped():
    """A word of more pieces than may be chosen leaves room for shorter ones."""
    token_ids = [CLS, WORDS[0], *CONTINUATIONS[:9], SEP, WORDS[1], SEP]

    chosen = {
        tuple(mask(token_ids, whole_word_masking=True, max_predictions=2, seed=seed).positions)
        for seed in range(50)
    }

    assert chosen == {(12,)}
