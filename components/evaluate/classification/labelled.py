"""Sentences with the model's labels: the predictions files, and some for the report."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from components.evaluate.squad.report_examples import choose_halves
from components.shared.classification.sentences import Row
from components.shared.files import whole_folder


@dataclass(frozen=True)
class LabelledRow:
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
) -> list[LabelledRow]:
    """Give each row the label with the highest score.

    Args:
        rows: N of them.
        logits: N arrays of float32 [C].
        labels: C of them.
    """
    labelled = []
    for index, (row, logits_C) in enumerate(zip(rows, logits, strict=True)):
        odds_C = np.exp(np.asarray(logits_C, np.float64) - np.max(logits_C))
        probabilities = (odds_C / odds_C.sum()).tolist()
        labelled.append(LabelledRow(index, row, labels[int(np.argmax(logits_C))], probabilities))
    return labelled


def name_files(dev_name: str) -> tuple[str, str]:
    """The two files that `write_predictions` writes for a development set."""
    return f"{dev_name}.tsv", f"{dev_name}.jsonl"


def write_predictions(
    folder: Path, name_to_rows: dict[str, list[LabelledRow]], labels: Sequence[str]
) -> None:
    """Write two files for each development set, whole or not at all."""
    with whole_folder(folder) as scratch:
        for name, rows in name_to_rows.items():
            table_file, lines_file = (scratch / file for file in name_files(name))
            table = ["index\tprediction", *(f"{row.index}\t{row.prediction}" for row in rows)]
            table_file.write_text("\n".join(table) + "\n", encoding="utf-8")
            with lines_file.open("w", encoding="utf-8", newline="\n") as file:
                for row in rows:
                    fields = {
                        "index": row.index,
                        "label": row.row.label,
                        "prediction": row.prediction,
                        "probabilities": dict(zip(labels, row.probabilities, strict=True)),
                    }
                    file.write(json.dumps(fields, ensure_ascii=False) + "\n")


def choose_labelled(rows: Sequence[LabelledRow], count: int) -> list[LabelledRow]:
    """Right and wrong ones, half of each where there are, from all over the set."""
    chosen = choose_halves(
        [row for row in rows if row.is_right], [row for row in rows if not row.is_right], count
    )
    return sorted(chosen, key=lambda row: row.index)
