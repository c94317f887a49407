"""A classifier's report: the page of all evaluations, with what is a classifier's own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from components.evaluate.classification.labelled import LabelledRow
from components.evaluate.classification.scores import LabelScore, score_labels
from components.evaluate.report import write_page
from components.shared.training.history import History

_NAMES = {
    "accuracy": "accuracy",
    "f1": "F1",
    "macro_f1": "macro F1",
    "matthews_correlation": "Matthews correlation",
}


@dataclass(frozen=True)
class DevSet:
    """What came of one development set."""

    name: str
    labelled: list[LabelledRow]
    matrix_CC: np.ndarray
    """int64, right labels by predicted ones."""
    scores: Mapping[str, float]


@dataclass(frozen=True)
class _Cell:
    """A number of the confusion matrix, and its share of its row, which shades it."""

    count: int
    share: float
    is_right: bool


def write_report(
    path: Path,
    dev_sets: Sequence[DevSet],
    labels: Sequence[str],
    *,
    speed: Mapping[str, Any],
    histories: Sequence[History],
    examples: Sequence[LabelledRow],
    has_matrix: bool,
    settings: Mapping[str, Mapping[str, Any]],
) -> None:
    """Write the report, whole or not at all.

    Args:
        path: the HTML file.
        dev_sets: the first is the one that counts.
        labels: in the matrices' order.
        speed: as `components.evaluate.report.write_report` takes it.
        histories: of fine-tuning.
        examples: labelled sentences to show.
        has_matrix: whether the confusion matrices are shown.
        settings: tables of names and values by their headings.
    """
    num_rows = sum(len(one.labelled) for one in dev_sets)
    write_page(
        path,
        "classification/report.html.jinja",
        title=f"{len(labels)} labels: {num_rows:,} sentences",
        subtitle="How often the model gives the right label, how fast, and how it was trained.",
        speed=speed,
        histories=histories,
        settings=settings,
        names={name: label for name, label in _NAMES.items() if name in dev_sets[0].scores},
        dev_sets=dev_sets,
        labels=labels,
        set_to_labels=_score_sets(dev_sets, labels),
        set_to_matrix={one.name: _shade(one.matrix_CC) for one in dev_sets} if has_matrix else {},
        examples=examples,
    )


def _score_sets(dev_sets: Sequence[DevSet], labels: Sequence[str]) -> dict[str, list[LabelScore]]:
    return {one.name: score_labels(one.matrix_CC, labels) for one in dev_sets}


def _shade(matrix_CC: np.ndarray) -> list[list[_Cell]]:
    totals_C = np.maximum(matrix_CC.sum(axis=1), 1)
    return [
        [
            _Cell(int(count), float(count / totals_C[row]), row == column)
            for column, count in enumerate(counts)
        ]
        for row, counts in enumerate(matrix_CC)
    ]
