"""How often labels are right: the scores of GLUE, from a confusion matrix.

Shape suffixes: C labels; a row of the matrix is the right label, a column the predicted one.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class LabelScore:
    """The scores of one label, each 0 to 1."""

    label: str
    precision: float
    recall: float
    f1: float
    num_rows: int
    """How many have it."""


def count_confusion(right: Sequence[int], predicted: Sequence[int], num_labels: int) -> np.ndarray:
    """How many rows of each label got which: int64 [C, C]."""
    matrix_CC = np.zeros((num_labels, num_labels), np.int64)
    np.add.at(matrix_CC, (np.asarray(right, np.int64), np.asarray(predicted, np.int64)), 1)
    return matrix_CC


def score_labels(matrix_CC: np.ndarray, labels: Sequence[str]) -> list[LabelScore]:
    """Precision, recall and F1 of each label; 0 where a label was never predicted, or never is."""
    hits_C, right_C, predicted_C = _counts(matrix_CC)
    return [
        LabelScore(
            label,
            precision=_divide(hits, predicted),
            recall=_divide(hits, right),
            f1=_divide(2 * hits, right + predicted),
            num_rows=int(right),
        )
        for label, hits, right, predicted in zip(labels, hits_C, right_C, predicted_C, strict=True)
    ]


def score(matrix_CC: np.ndarray, labels: Sequence[str], positive_label: str) -> dict[str, float]:
    """accuracy, macro_f1, matthews_correlation and, of two labels, f1; as scikit-learn has them.

    Args:
        matrix_CC: from `count_confusion`.
        labels: in the matrix's order.
        positive_label: the one that f1 is of, as GLUE's MRPC has it; "": no f1.

    Returns:
        Each 0 to 1, the correlation -1 to 1. macro_f1 is the mean over the labels that occur or
        were predicted. The correlation is R_K (Gorodkin 2004), with two labels Matthews's; it is
        0 where all rows have, or got, one label.
    """
    hits_C, right_C, predicted_C = _counts(matrix_CC)
    of_labels = score_labels(matrix_CC, labels)
    seen = [one.f1 for one, n in zip(of_labels, right_C + predicted_C, strict=True) if n]
    total = int(matrix_CC.sum())
    scores = {
        "accuracy": _divide(hits_C.sum(), total),
        "macro_f1": float(np.mean(seen)) if seen else 0.0,
        "matthews_correlation": _divide(
            total * int(hits_C.sum()) - int(right_C @ predicted_C),
            # Python's integers: the products of large sets pass 64 bits.
            math.sqrt(
                (total**2 - int(right_C @ right_C)) * (total**2 - int(predicted_C @ predicted_C))
            ),
        ),
    }
    if positive_label:
        scores["f1"] = next(one.f1 for one in of_labels if one.label == positive_label)
    return scores


def _counts(matrix_CC: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Count for each label the rows that have and got it, that have it, and that got it."""
    return np.diagonal(matrix_CC), matrix_CC.sum(axis=1), matrix_CC.sum(axis=0)


def _divide(part: float, whole: float) -> float:
    return float(part / whole) if whole else 0.0
