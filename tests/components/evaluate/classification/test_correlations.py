"""The correlations are scipy's."""

import pytest

from components.evaluate.classification.correlations import score_numbers

RIGHT, PREDICTED = [5, 3.8, 0, 2.5, 2.5, 1.2, 4.4], [4.1, 4.1, 0.5, 3, 2, 2.2, 3.9]


@pytest.mark.parametrize(
    ("name", "right", "predicted", "expected"),
    [
        # From scipy's documentation of pearsonr and spearmanr.
        ("pearson", [1, 2, 3, 4, 5, 6, 7], [10, 9, 2.5, 6, 4, 3, 2], -0.828503883588428),
        ("spearman", [1, 2, 3, 4, 5], [5, 6, 7, 8, 7], 0.8207826816681233),
        # By scipy 1.17, with equal values on both sides.
        ("pearson", RIGHT, PREDICTED, 0.9385062749991646),
        ("spearman", RIGHT, PREDICTED, 0.8727272727272728),
    ],
)
def test_scipys_values_are_met(name, right, predicted, expected):
    """Equal values share a rank."""
    assert score_numbers(right, predicted)[name] == pytest.approx(expected, abs=1e-12)


def test_an_order_that_is_right_has_a_perfect_rank_correlation_alone():
    """Though the numbers are off: by 0, 0, 0 and 6, whose mean square is 9."""
    scores = score_numbers([1, 2, 3, 4], [1, 2, 3, 10])

    assert scores["spearman"] == pytest.approx(1)
    assert scores["pearson"] < 0.9
    assert scores["root_mean_squared_error"] == pytest.approx(3)


def test_one_number_for_all_rows_correlates_with_nothing():
    """A model that has learned the mean alone: 0, not NaN, which no JSON holds."""
    scores = score_numbers([0.0, 5.0], [2.5, 2.5])

    assert scores == {"pearson": 0.0, "spearman": 0.0, "root_mean_squared_error": 2.5}
