"""The rule of masking, and that both stages that draw masks follow it."""

from random import Random

import numpy as np
import pytest

from components.preprocess.rows.masks import mask_sequence
from components.pretrain.masking import mask_tokens
from components.shared.tokens.masking_rule import count_chosen, list_words
from components.shared.tokens.vocabulary import SPECIAL_PIECES, Vocabulary

CLS, SEP, MASK = 2, 3, 4
FIRST, CONTINUES = 5, 45
VOCABULARY = Vocabulary(
    (*SPECIAL_PIECES, *(f"w{number}" for number in range(40)), *(f"##{n}" for n in range(15))),
    0, 1, CLS, SEP, MASK, sha256="",
)  # fmt: skip
NUM_DRAWS = 4000
NUM_CHOSEN = 5
# Words of one to four pieces; B begins within a word.
SEQUENCE = [
    CLS, *range(6, 16), 16, 46, 17, 47, 48, 18, 49, 50, 51, SEP, 52, *range(19, 27), 27, 53, SEP,
]  # fmt: skip


@pytest.mark.parametrize(
    ("num_tokens", "expected"), [(128, 19), (30, 4), (31, 5), (50, 8), (3, 1), (512, 77)]
)
def test_a_share_is_chosen(num_tokens, expected):
    """Of 30 tokens 4.5 are 4, of 50 7.5 are 8: halves go to the even number."""
    assert count_chosen(num_tokens, 0.15) == expected


def test_words_end_at_special_pieces():
    """What continues a word across [SEP] is a word of its own, as is one at the very start."""
    token_ids = [CLS, CONTINUES, FIRST, CONTINUES, CONTINUES, SEP, CONTINUES, FIRST, SEP]

    assert list_words(token_ids, VOCABULARY) == [[1], [2, 3, 4], [6], [7]]


@pytest.mark.parametrize("whole_words", [False, True])
@pytest.mark.parametrize("max_predictions", [20, 3])
def test_both_stages_draw_from_one_distribution(whole_words, max_predictions):
    """How many tokens, which, and what becomes of them: alike to four standard errors."""
    before = [*_mask_beforehand(whole_words, max_predictions)]
    later = [*_mask_later(whole_words, max_predictions)]

    counts = [[len(chosen) for chosen, _ in draws] for draws in (before, later)]
    most = min(NUM_CHOSEN, max_predictions)
    assert max(counts[0]) == max(counts[1]) == most
    if not whole_words:
        assert {*counts[0]} == {*counts[1]} == {most}
    _expect_alike(*(np.bincount(one, minlength=most + 1) / NUM_DRAWS for one in counts), NUM_DRAWS)
    _expect_alike(_share_of_places(before), _share_of_places(later), NUM_DRAWS)
    _expect_alike(_share_of_outcomes(before), _share_of_outcomes(later), min(map(sum, counts)))


def _mask_beforehand(whole_words, max_predictions):
    """Draw as the preprocess stage does: the chosen places, and the ids after it."""
    for seed in range(NUM_DRAWS):
        masked = mask_sequence(
            SEQUENCE,
            vocabulary=VOCABULARY,
            mask_rate=0.15,
            max_predictions=max_predictions,
            whole_word_masking=whole_words,
            rng=Random(seed),
        )
        yield masked.positions, masked.token_ids


def _mask_later(whole_words, max_predictions):
    """Draw as the pretrain stage does."""
    token_ids_BL = np.array([SEQUENCE] * NUM_DRAWS)
    masked = mask_tokens(
        token_ids_BL,
        np.ones_like(token_ids_BL),
        row_ids_B=np.arange(NUM_DRAWS),
        epoch=0,
        seed=1,
        vocabulary=VOCABULARY,
        mask_rate=0.15,
        max_predictions=max_predictions,
        whole_word_masking=whole_words,
    )
    for positions_P, weights_P, token_ids_L in zip(
        masked.positions_BP, masked.weights_BP, masked.token_ids_BL, strict=True
    ):
        yield positions_P[weights_P > 0].tolist(), token_ids_L.tolist()


def _share_of_places(draws):
    """How often each place is chosen."""
    places = [place for chosen, _ in draws for place in chosen]
    return np.bincount(places, minlength=len(SEQUENCE)) / len(draws)


def _share_of_outcomes(draws):
    """How many chosen tokens are hidden, kept and replaced."""
    names = [
        0 if now[place] == MASK else 1 if now[place] == SEQUENCE[place] else 2
        for chosen, now in draws
        for place in chosen
    ]
    return np.bincount(names, minlength=3) / len(names)


def _expect_alike(share, other, count):
    """Compare probabilities measured in `count` draws each."""
    mean = (share + other) / 2
    error = np.sqrt(2 * mean * (1 - mean) / count)
    assert (np.abs(share - other) <= 4 * error).all(), (share, other)
