"""Sentences with the model's labels, and some of them for the report."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from components.evaluate.squad.report_examples import choose_halves
from components.shared.classification.sentences import Row


@dataclass(frozen=True)
class LabeledRow:
    """A sentence or a pair of them with the label that the model gave it."""

    index: int
    """Its place in the development set, from 0."""
    row: Row
    prediction: str
    probabilities: Sequence[float]
    """Of each label, in the labels' order."""

    @property
    def is_right(self) -> bool:
        """Whether the label is the row's."""
        return self.prediction == self.row.label

    @property
    def probability(self) -> float:
        """The predicted label's."""
        return max(self.probabilities)


def label_rows(
    rows: Sequence[Row], logits: Sequence[np.ndarray], labels: Sequence[str]
) -> list[LabeledRow]:
    """Give each row the label with the highest score.

    Args:
        rows: N of them.
        logits: N arrays of float32 [C].
        labels: C of them.
    """
    labeled = []
    for index, (row, logits_C) in enumerate(zip(rows, logits, strict=True)):
        odds_C = np.exp(np.asarray(logits_C, np.float64) - np.max(logits_C))
        probabilities = (odds_C / odds_C.sum()).tolist()
        labeled.append(LabeledRow(index, row, labels[int(np.argmax(logits_C))], probabilities))
    return labeled


def choose_labeled(rows: Sequence[LabeledRow], count: int) -> list[LabeledRow]:
    """Right and wrong ones, half of each where there are, from all over the set."""
    chosen = choose_halves(
        [row for row in rows if row.is_right], [row for row in rows if not row.is_right], count
    )
    return sorted(chosen, key=lambda row: row.index)
