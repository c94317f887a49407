"""Every score is a mean over rows, whose spread is the score's own."""

import numpy as np
import pytest

from components.release.comparison.row_scores import score_rows
from components.shared.errors import InputError

LABELS = ["a", "a", "b", "b", "b", "c", "a", "b"]
PREDICTIONS = ["a", "b", "b", "b", "a", "c", "a", "b"]
NUMBERS = [1.0, 2.0, 4.0, 3.0, 5.0, 5.0]
GUESSES = [1.5, 1.0, 3.0, 3.5, 4.0, 6.0]


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("accuracy", 6 / 8),
        ("f1", 6 / 8),  # of b: 3 hits, 4 right, 4 predicted
        ("macro_f1", (4 / 6 + 6 / 8 + 1) / 3),
        # (8 · 6 - (3 · 3 + 4 · 4 + 1)) / (64 - 26)
        ("matthews_correlation", 22 / 38),
    ],
)
def test_the_mean_is_the_score_of_labels(metric, expected):
    """As the evaluation has it."""
    shares = score_rows(metric, LABELS, PREDICTIONS, positive_label="b")

    assert len(shares) == len(LABELS)
    assert np.mean(shares) == pytest.approx(expected)


def test_the_mean_is_the_score_of_numbers():
    """numpy's Pearson, and that of the ranks, in which equal ones share a place."""
    ranks = [1, 2, 4, 3, 5.5, 5.5], [2, 1, 3, 4, 5, 6]

    pearson, spearman = (
        np.mean(score_rows(metric, NUMBERS, GUESSES)) for metric in ("pearson", "spearman")
    )

    assert pearson == pytest.approx(np.corrcoef(NUMBERS, GUESSES)[0, 1])
    assert spearman == pytest.approx(np.corrcoef(*ranks)[0, 1])


@pytest.mark.parametrize("metric", ["f1", "matthews_correlation", "pearson"])
def test_the_spread_is_that_of_resampled_scores(metric):
    """The rows' standard error is the bootstrap's of the score itself."""
    generator = np.random.default_rng(5)
    right = generator.random(400)
    guessed = right + generator.normal(0, 0.3, 400)
    if metric != "pearson":
        right, guessed = (np.where(one > 0.6, "yes", "no") for one in (right, guessed))

    def score(rows) -> float:
        return float(np.mean(score_rows(metric, right[rows], guessed[rows], positive_label="yes")))

    error = np.std(score_rows(metric, right, guessed, positive_label="yes")) / 20
    resampled = [score(generator.integers(400, size=400)) for _ in range(400)]

    assert np.std(resampled) == pytest.approx(error, rel=0.15)


@pytest.mark.parametrize("metric", ["f1", "matthews_correlation", "macro_f1"])
def test_a_model_that_says_one_thing_has_a_score(metric):
    """Zero, or that of what it hits; not NaN."""
    shares = score_rows(metric, ["no"] * 4, ["no"] * 4, positive_label="yes")

    assert np.isfinite(shares).all()


def test_an_unknown_metric_is_told():
    """With those that are known."""
    with pytest.raises(InputError, match="the metric loss can't be compared .* accuracy, macro_f1"):
        score_rows("loss", [], [])
