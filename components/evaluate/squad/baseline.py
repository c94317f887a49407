"""Comparison with another model by its answers to the same questions.

The questions are paired: both models answered each one, so that what makes some questions
hard for both does not blur the difference. The interval is the percentile bootstrap's over
questions (Efron and Tibshirani 1993, §13.3).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from components.evaluate.squad.scores import score_answer
from components.shared.documents import load_json
from components.shared.errors import InputError
from components.shared.squad.data import Question

QUESTION_SCORES = "question_scores"
_NAMES = ("exact", "f1")
_NUM_RESAMPLES = 10_000
_RESAMPLES_AT_ONCE = 250
_CONFIDENCE = (2.5, 97.5)

QuestionScores = Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class Difference:
    """How much better one score is than the baseline's, in percent points."""

    name: str
    """exact or f1."""
    baseline: float
    difference: float
    low: float
    """The 95% interval's ends."""
    high: float


def score_questions(
    questions: Sequence[Question], predictions: Mapping[str, str]
) -> dict[str, list[float]]:
    """Exact match and F1 of each answer, 0 to 1, by question id."""
    return {
        question.id: list(map(float, score_answer(question, predictions.get(question.id, ""))))
        for question in questions
    }


def read_baseline(path: Path, questions: Sequence[Question]) -> QuestionScores:
    """The scores of the model whose metrics.json is given.

    Args:
        path: metrics.json of an evaluation on the same questions.
        questions: those.

    Raises:
        InputError: if the file is not one, or of other questions.
    """
    scores = _read(path)
    ids = {question.id for question in questions}
    if ids != scores.keys():
        raise InputError(
            f"{path}: {len(ids & scores.keys())} of its {len(scores)} questions are among the "
            f"{len(ids)} to answer here; evaluate both models on the same development set"
        )
    return scores


def compare(own: QuestionScores, other: QuestionScores, *, seed: int = 0) -> list[Difference]:
    """Compare with the scores of another model.

    Args:
        own: this model's scores of each question.
        other: the other's, of the same questions.
        seed: of the resampling.
    """
    values = np.array([[own[id_], other[id_]] for id_ in own]) * 100
    means = _resample(values[:, 0] - values[:, 1], np.random.default_rng(seed))
    return [
        Difference(
            name,
            float(values[:, 1, column].mean()),
            float((values[:, 0, column] - values[:, 1, column]).mean()),
            *map(float, np.percentile(means[:, column], _CONFIDENCE)),
        )
        for column, name in enumerate(_NAMES)
    ]


def _resample(differences_QN: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Means of resamples of Q questions with replacement: [resamples, N]."""
    count = len(differences_QN)
    means = []
    for _ in range(_NUM_RESAMPLES // _RESAMPLES_AT_ONCE):
        chosen = generator.integers(count, size=(_RESAMPLES_AT_ONCE, count))
        means.append(differences_QN[chosen].mean(axis=1))
    return np.concatenate(means)


@dataclass(frozen=True)
class _Metrics:
    question_scores: dict[str, tuple[float, ...]]

    def __post_init__(self) -> None:
        if not self.question_scores or any(
            len(scores) != len(_NAMES) for scores in self.question_scores.values()
        ):
            raise InputError(f"{QUESTION_SCORES}: expected {' and '.join(_NAMES)} of each question")


def _read(path: Path) -> QuestionScores:
    remedy = "give the metrics.json of an evaluation by this stage"
    return load_json(path, _Metrics, remedy=remedy).question_scores
