"""The outcome of a classifier: its labels, their scores, and what shows them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from components.evaluate.classification.labeled_rows import LabeledRow, choose_labeled, label_rows
from components.evaluate.classification.outcome import DevSet, Outcome, Prediction
from components.evaluate.classification.scores import count_confusion, score, score_labels
from components.shared.classification.matrices import MOST_LABELS_SHOWN
from components.shared.classification.sentences import Row
from components.shared.reports.score_names import TASK_TO_SCORES


@dataclass(frozen=True)
class _Cell:
    """A number of the confusion matrix, and its share of its row, which shades it."""

    count: int
    share: float
    is_right: bool


def evaluate_labels(
    name_to_rows: Mapping[str, Sequence[Row]],
    name_to_logits: Mapping[str, Sequence[np.ndarray]],
    labels: Sequence[str],
    *,
    positive_label: str,
    num_examples: int,
) -> Outcome:
    """Score the labels with the highest logits.

    Args:
        name_to_rows: the rows of each development set.
        name_to_logits: for each row float32 [C].
        labels: C of them.
        positive_label: which of two F1 is of; "" where there are more.
        num_examples: labeled sentences to show.
    """
    name_to_labeled = {
        name: label_rows(rows, name_to_logits[name], labels) for name, rows in name_to_rows.items()
    }
    name_to_matrix = {
        name: count_confusion(
            [labels.index(item.row.label) for item in labeled],
            [labels.index(item.prediction) for item in labeled],
            len(labels),
        )
        for name, labeled in name_to_labeled.items()
    }
    dev_sets = [
        DevSet(
            name,
            score(name_to_matrix[name], labels, positive_label),
            [_predict(item, labels) for item in labeled],
        )
        for name, labeled in name_to_labeled.items()
    ]
    is_shown = len(labels) <= MOST_LABELS_SHOWN
    num_rows = sum(map(len, name_to_rows.values()))
    return Outcome(
        dev_sets=dev_sets,
        names={
            name: label
            for name, label in TASK_TO_SCORES["classification"].labels.items()
            if name in dev_sets[0].scores
        },
        title=f"{len(labels)} labels: {num_rows:,} sentences",
        subtitle="How often the model gives the right label, how fast, and how it was trained.",
        template="labels.html.jinja",
        contents={
            "labels": labels,
            "set_to_labels": {
                name: score_labels(matrix_CC, labels) for name, matrix_CC in name_to_matrix.items()
            },
            "set_to_matrix": {
                name: _shade(matrix_CC) for name, matrix_CC in name_to_matrix.items() if is_shown
            },
            "examples": choose_labeled(name_to_labeled[dev_sets[0].name], num_examples),
        },
        matrices={
            name: _describe_matrix(matrix_CC, labels) for name, matrix_CC in name_to_matrix.items()
        },
    )


def _predict(item: LabeledRow, labels: Sequence[str]) -> Prediction:
    fields = {
        "label": item.row.label,
        "prediction": item.prediction,
        "probabilities": dict(zip(labels, item.probabilities, strict=True)),
    }
    return Prediction(item.prediction, fields)


def _shade(matrix_CC: np.ndarray) -> list[list[_Cell]]:
    totals_C = np.maximum(matrix_CC.sum(axis=1), 1)
    return [
        [
            _Cell(int(count), float(count / totals_C[row]), row == column)
            for column, count in enumerate(counts)
        ]
        for row, counts in enumerate(matrix_CC)
    ]


def _describe_matrix(matrix_CC: np.ndarray, labels: Sequence[str]) -> Mapping[str, Any]:
    """As the Kubeflow UI draws it (what kfp.dsl.ClassificationMetrics logs)."""
    return {
        "annotationSpecs": [{"displayName": label} for label in labels],
        "rows": [{"row": row} for row in matrix_CC.tolist()],
    }
