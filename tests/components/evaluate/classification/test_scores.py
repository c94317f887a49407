"""Scores, reckoned by hand."""

import math

import numpy as np
import pytest

from components.evaluate.classification.scores import count_confusion, score, score_labels

# Of 10: right yes 4 (3 got yes), right no 6 (4 got no).
RIGHT = [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
PREDICTED = [1, 1, 1, 0, 0, 0, 0, 0, 1, 1]


def test_two_labels():
    """TP 3, FN 1, FP 2, TN 4."""
    matrix = count_confusion(RIGHT, PREDICTED, 2)

    scores = score(matrix, ["no", "yes"], "yes")

    assert matrix.tolist() == [[4, 2], [1, 3]]
    assert scores["accuracy"] == pytest.approx(7 / 10)
    assert scores["f1"] == pytest.approx(2 * 3 / (2 * 3 + 2 + 1))
    assert scores["macro_f1"] == pytest.approx((6 / 9 + 8 / 11) / 2)
    expected = (3 * 4 - 2 * 1) / math.sqrt((3 + 2) * (3 + 1) * (4 + 2) * (4 + 1))
    assert scores["matthews_correlation"] == pytest.approx(expected)


def test_f1_is_of_the_positive_label():
    """No, where it is asked for."""
    matrix = count_confusion(RIGHT, PREDICTED, 2)

    assert score(matrix, ["no", "yes"], "no")["f1"] == pytest.approx(8 / 11)


def test_three_labels():
    """One never had and never given does not count; F1 of one label has no meaning."""
    matrix = count_confusion([0, 0, 1, 1, 2, 2], [0, 1, 1, 1, 0, 2], 4)

    scores = score(matrix, ["a", "b", "c", "d"], "")

    assert "f1" not in scores
    assert scores["accuracy"] == pytest.approx(4 / 6)
    assert scores["macro_f1"] == pytest.approx((1 / 2 + 4 / 5 + 2 / 3) / 3)
    # c = 4, s = 6, t = (2, 2, 2), p = (2, 3, 1).
    expected = (4 * 6 - 12) / (math.sqrt(36 - 14) * math.sqrt(36 - 12))
    assert scores["matthews_correlation"] == pytest.approx(expected)


def test_each_label():
    """Precision by columns, recall by rows."""
    no, yes = score_labels(count_confusion(RIGHT, PREDICTED, 2), ["no", "yes"])

    assert (yes.precision, yes.recall, yes.num_rows) == (3 / 5, 3 / 4, 4)
    assert (no.precision, no.recall, no.num_rows) == (4 / 5, 4 / 6, 6)


def test_one_label_alone_has_no_correlation():
    """A model that says the same of all."""
    scores = score(count_confusion([0, 0, 1], [0, 0, 0], 2), ["a", "b"], "b")

    assert scores["matthews_correlation"] == scores["f1"] == 0
    assert scores["accuracy"] == pytest.approx(2 / 3)


def test_large_counts_stay_exact():
    """Three million rows: the products pass 64 bits."""
    right = np.repeat([0, 1], 1_500_000)

    assert score(count_confusion(right, right, 2), ["a", "b"], "b")["matthews_correlation"] == 1
