"""Comparison of two models by their scores of the same questions.

The questions are paired: both models answered each one, so that what makes some questions
hard for both does not blur the difference. The interval is the percentile bootstrap's over
questions (Efron and Tibshirani 1993, §13.3).

Shape suffixes: Q questions, N scores of each, R resamples.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from components.shared.errors import InputError
from components.shared.files.documents import load_json

QUESTION_SCORES = "question_scores"
"""Where an evaluation's metrics.json has the scores of each question, 0 to 1, by its id."""
SETTINGS = "settings"
"""Where it has the evaluation's own settings."""
EXACT_AND_F1 = ("exact", "f1")
_NUM_RESAMPLES = 10_000
_RESAMPLES_AT_ONCE = 250
_CONFIDENCE = (2.5, 97.5)

QuestionScores = Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class Difference:
    """How much better one score is than the baseline's, in percent points."""

    name: str
    """exact, f1 or accuracy."""
    baseline: float
    difference: float
    low: float
    """The 95% interval's ends."""
    high: float


def compare(
    own: QuestionScores,
    other: QuestionScores,
    names: Sequence[str] = EXACT_AND_F1,
    *,
    seed: int = 0,
) -> list[Difference]:
    """Compare with the scores of another model.

    Args:
        own: this model's scores of each question.
        other: the other's, of the same questions.
        names: of the scores.
        seed: of the resampling.
    """
    values = np.array([[own[id_], other[id_]] for id_ in own]) * 100
    differences_QN = values[:, 0] - values[:, 1]
    low_N, high_N = find_intervals(differences_QN, seed=seed)
    return [
        Difference(
            name,
            float(values[:, 1, column].mean()),
            float(differences_QN[:, column].mean()),
            float(low_N[column]),
            float(high_N[column]),
        )
        for column, name in enumerate(names)
    ]


def find_intervals(differences_QN: np.ndarray, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the 95% intervals of the means over the questions: [N], [N]."""
    count = len(differences_QN)
    generator = np.random.default_rng(seed)
    starts_R1 = count * np.arange(_RESAMPLES_AT_ONCE)[:, np.newaxis]
    means_RN = []
    for _ in range(_NUM_RESAMPLES // _RESAMPLES_AT_ONCE):
        chosen_RQ = generator.integers(count, size=(_RESAMPLES_AT_ONCE, count))
        # How often each question was drawn: the means are a product of matrices then.
        drawn = np.bincount((chosen_RQ + starts_R1).ravel(), minlength=count * _RESAMPLES_AT_ONCE)
        drawn_RQ = drawn.reshape(_RESAMPLES_AT_ONCE, count).astype(differences_QN.dtype)
        means_RN.append(drawn_RQ @ differences_QN / count)
    low_N, high_N = np.percentile(np.concatenate(means_RN), _CONFIDENCE, axis=0)
    return low_N, high_N


def read_question_scores(path: Path, names: Sequence[str] = EXACT_AND_F1) -> QuestionScores:
    """Read the scores of each question from an evaluation's metrics.json.

    Args:
        path: the file.
        names: of the scores that each question must have.

    Raises:
        InputError: if it holds none.
    """
    remedy = "give the metrics.json of an evaluation by this stage"
    scores = load_json(path, _Metrics, remedy=remedy).question_scores
    if not scores or any(len(of_one) != len(names) for of_one in scores.values()):
        raise InputError(
            f"{path}: {QUESTION_SCORES}: expected {' and '.join(names)} of each question; {remedy}"
        )
    return scores


@dataclass(frozen=True)
class _Metrics:
    question_scores: dict[str, tuple[float, ...]]
