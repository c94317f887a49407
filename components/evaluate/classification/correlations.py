"""How near predicted numbers are to the right ones: the scores of GLUE's STS-B."""

from collections.abc import Sequence

import numpy as np


def score_numbers(right: Sequence[float], predicted: Sequence[float]) -> dict[str, float]:
    """pearson, spearman and root_mean_squared_error, as scipy and scikit-learn have them.

    The correlations are -1 to 1. They are 0 where the model gives all rows the same number, of
    which scipy's would be NaN.
    """
    right_N, predicted_N = np.asarray(right, np.float64), np.asarray(predicted, np.float64)
    return {
        "pearson": _correlate(right_N, predicted_N),
        "spearman": _correlate(_rank(right_N), _rank(predicted_N)),
        "root_mean_squared_error": float(np.sqrt(np.mean((right_N - predicted_N) ** 2))),
    }


def _correlate(left_N: np.ndarray, right_N: np.ndarray) -> float:
    """Pearson's correlation."""
    left_N, right_N = left_N - left_N.mean(), right_N - right_N.mean()
    norm = np.linalg.norm(left_N) * np.linalg.norm(right_N)
    return float(np.clip(left_N @ right_N / norm, -1, 1)) if norm else 0.0


def _rank(values_N: np.ndarray) -> np.ndarray:
    """Ranks from 1; equal values have the mean of theirs."""
    _, places_N, counts = np.unique(values_N, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: np.ndarray = (last - (counts - 1) / 2)[places_N]
    return ranks
