"""A classifier's score, or that of a model that gives numbers, as a mean over rows.

The bootstrap compares means. An accuracy is one; of another score a row's share is the score and
the row's influence on it (Efron and Tibshirani 1993, §21.3): what the score changes by, to first
order, with the row's weight. The mean of these is the score itself.

Shape suffixes: Q rows, C labels.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from components.shared.errors import InputError


def score_rows(
    metric: str, labels: Sequence[Any], predictions: Sequence[Any], *, positive_label: str = ""
) -> list[float]:
    """Return each row's share of a score: their mean is the score.

    Args:
        metric: its name in an evaluation's metrics.
        labels: the right labels, or numbers.
        predictions: the model's.
        positive_label: which one f1 is of.

    Raises:
        InputError: if the metric is not known here.
    """
    if metric in _NUMBER_SCORES:
        numbers = (np.array(values, np.float64) for values in (labels, predictions))
        shares_Q = _NUMBER_SCORES[metric](*numbers)
    elif metric == "f1":
        shares_Q = _share_f1(*(np.array(one) == positive_label for one in (labels, predictions)))
    elif metric in _LABEL_SCORES:
        names = sorted({*labels, *predictions})
        one_hot = (np.array(one)[:, np.newaxis] == names for one in (labels, predictions))
        shares_Q = _LABEL_SCORES[metric](*one_hot)
    else:
        known = ", ".join((*_LABEL_SCORES, "f1", *_NUMBER_SCORES))
        raise InputError(f"the metric {metric} can't be compared row by row; give one of {known}")
    return [float(share) for share in shares_Q]


def _share_accuracy(right_QC: np.ndarray, predicted_QC: np.ndarray) -> np.ndarray:
    return (right_QC & predicted_QC).any(axis=1)


def _share_f1(right_Q: np.ndarray, predicted_Q: np.ndarray) -> np.ndarray:
    """Return each row's share in F1, a ratio of means."""
    parts_Q = 2.0 * (right_Q & predicted_Q)
    wholes_Q = right_Q.astype(float) + predicted_Q
    whole = wholes_Q.mean()
    if not whole:
        return np.zeros(len(right_Q))
    f1 = parts_Q.mean() / whole
    return f1 + (parts_Q - f1 * wholes_Q) / whole


def _share_macro_f1(right_QC: np.ndarray, predicted_QC: np.ndarray) -> np.ndarray:
    columns = zip(right_QC.T, predicted_QC.T, strict=True)
    return np.mean([_share_f1(right_Q, predicted_Q) for right_Q, predicted_Q in columns], axis=0)


def _share_matthews(right_QC: np.ndarray, predicted_QC: np.ndarray) -> np.ndarray:
    """Return each row's share in R_K (Gorodkin 2004), for two labels Matthews's correlation."""
    right_QC, predicted_QC = right_QC.astype(float), predicted_QC.astype(float)
    right_C, predicted_C = right_QC.mean(axis=0), predicted_QC.mean(axis=0)
    agreement_Q = (right_QC * predicted_QC).sum(axis=1)
    covariance = agreement_Q.mean() - right_C @ predicted_C
    spreads = 1 - right_C @ right_C, 1 - predicted_C @ predicted_C
    if not all(spreads):
        return np.zeros(len(right_QC))
    scale = np.sqrt(spreads[0] * spreads[1])
    score = covariance / scale
    change_Q = agreement_Q - agreement_Q.mean()
    change_Q = (
        change_Q - (right_QC - right_C) @ predicted_C - (predicted_QC - predicted_C) @ right_C
    )
    spread_Q = (right_QC - right_C) @ right_C / spreads[0]
    spread_Q = spread_Q + (predicted_QC - predicted_C) @ predicted_C / spreads[1]
    return score + change_Q / scale + score * spread_Q


def _share_pearson(right_Q: np.ndarray, predicted_Q: np.ndarray) -> np.ndarray:
    if not (right_Q.std() and predicted_Q.std()):
        return np.zeros(len(right_Q))
    right_Q, predicted_Q = ((one - one.mean()) / one.std() for one in (right_Q, predicted_Q))
    products_Q = right_Q * predicted_Q
    score = products_Q.mean()
    return score + products_Q - score * (right_Q**2 + predicted_Q**2) / 2


def _share_spearman(right_Q: np.ndarray, predicted_Q: np.ndarray) -> np.ndarray:
    return _share_pearson(_rank(right_Q), _rank(predicted_Q))


def _rank(values_Q: np.ndarray) -> np.ndarray:
    """Equal values share the mean of their ranks."""
    _, places_Q, counts = np.unique(values_Q, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[places_Q]


_Share = Callable[[np.ndarray, np.ndarray], np.ndarray]
_LABEL_SCORES: dict[str, _Share] = {
    "accuracy": _share_accuracy,
    "macro_f1": _share_macro_f1,
    "matthews_correlation": _share_matthews,
}
_NUMBER_SCORES: dict[str, _Share] = {"pearson": _share_pearson, "spearman": _share_spearman}
