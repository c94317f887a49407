"""Rankings are scored by hand-computed values."""

from math import log2

import pytest

from components.shared.classification.ranks import rank_rows, score_groups


def test_rows_are_ordered_by_score():
    """The highest first, wherever it stands."""
    assert rank_rows([0, 2, 1], [-1.5, 3.0, 7.0]).tolist() == [2, 1, 0]


def test_equal_scores_put_the_less_relevant_first():
    """A model that scores all alike gains nothing by the order of the file."""
    assert rank_rows([2, 0, 1, 0], [0.5] * 4).tolist() == [1, 3, 2, 0]


def test_a_group_is_scored_by_hand():
    """Relevances 0, 2, 0, 1 as ranked: gains 3 and 1 at ranks 2 and 4, the best order's at 1, 2."""
    scores = score_groups([[0, 2, 0, 1]], recall_k=2)

    assert scores == {
        "mrr": 0.5,
        "ndcg_at_10": pytest.approx((3 / log2(3) + 1 / log2(5)) / (3 + 1 / log2(3))),
        "recall_at_2": 0.5,
        "groups": 1,
        "groups_without_relevant_rows": 0,
    }


def test_groups_have_equal_weight_and_those_without_a_relevant_row_none():
    """They are counted; an order of theirs is neither right nor wrong."""
    scores = score_groups([[1, 0], [0] * 9 + [1], [0, 0, 0]], recall_k=3)

    assert (scores["mrr"], scores["recall_at_3"]) == (pytest.approx(0.55), 0.5)
    assert (scores["groups"], scores["groups_without_relevant_rows"]) == (3, 1)


def test_what_comes_after_ten_rows_has_no_gain():
    """But the best order's ten have: the eleventh relevant row lowers nothing."""
    assert score_groups([[1] * 11], recall_k=20)["ndcg_at_10"] == pytest.approx(1)
    assert score_groups([[0] * 10 + [1]], recall_k=20)["ndcg_at_10"] == 0
    assert score_groups([[0] * 10 + [1]], recall_k=20)["mrr"] == pytest.approx(1 / 11)


def test_no_relevant_row_at_all_is_a_score_of_nothing():
    """Not NaN, which no JSON holds."""
    assert score_groups([[0, 0]], recall_k=1)["mrr"] == 0.0
