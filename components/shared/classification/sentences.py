"""Labeled sentences as they pass between stages: JSON lines and a list of what is there.

A folder holds `train.jsonl` and a file for each development set, one row a line
(`{"sentence": …, "second_sentence": …, "label": …, "group": …}`), and `sentences.json`: the task,
the labels in the order of their ids, which is positive, and the names of the development sets.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

from components.shared.classification.tasks import TaskKind
from components.shared.files.atomic import whole_folder
from components.shared.files.formats import load_stamped, stamp
from components.shared.files.text import parse_json
from components.shared.reports.score_names import TASK_TO_SCORES

TRAIN = "train"
_MANIFEST = "sentences.json"


class Row(NamedTuple):
    """One or two sentences and what they are."""

    sentence: str
    second_sentence: str | None
    """None where the task is one of single sentences."""
    label: str
    """A class, or a number where the task is to give one."""
    group: str | None = None
    """Of a ranking: the rows that it is ranked with have the same."""

    @property
    def value(self) -> float:
        """The label as a number."""
        return float(self.label)


@dataclass(frozen=True)
class Sentences:
    """What a folder of labeled sentences holds."""

    labels: tuple[str, ...]
    """In the order of their ids, the model's outputs."""
    positive_label: str
    """Which of two labels F1 is of; "" where there are more."""
    dev_names: tuple[str, ...]
    """The development sets; the first is the one that counts."""
    num_rows: dict[str, int]
    """By set."""
    task: TaskKind = "classification"
    """What is learned of the labels."""
    metric: str = TASK_TO_SCORES["classification"].main
    """The score that the best of several models is chosen by."""

    @classmethod
    def read(cls, folder: Path) -> "Sentences":
        """Read the list.

        Raises:
            InputError: if the folder was not made by the ingest stage.
        """
        remedy = "make the folder with `python -m components.ingest classification`"
        return load_stamped(folder / _MANIFEST, cls, kind=_MANIFEST, remedy=remedy)


def find_rows(folder: Path, name: str) -> Path:
    """Return the path of a set's file."""
    return folder / f"{name}.jsonl"


def read_rows(folder: Path, name: str) -> list[Row]:
    """The rows of a set, in the order of the file they came from."""
    with find_rows(folder, name).open(encoding="utf-8", newline="\n") as lines:
        fields = map(parse_json, lines)
        return [
            Row(row["sentence"], row.get("second_sentence"), row["label"], row.get("group"))
            for row in fields
        ]


def write_sentences(
    folder: Path,
    labels: Sequence[str],
    positive_label: str,
    sets: Mapping[str, Sequence[Row]],
    *,
    task: TaskKind = "classification",
    metric: str = "",
) -> Sentences:
    """Write a folder, whole or not at all.

    Args:
        folder: where.
        labels: in the order of their ids; of a task that gives a number its NUMBER_LABELS.
        positive_label: which of two labels F1 is of; "" where there are more.
        sets: the rows of each, first those of train.
        task: what is learned of the labels.
        metric: the score to choose models by; "" is the task's usual one.
    """
    written = Sentences(
        labels=tuple(labels),
        positive_label=positive_label,
        dev_names=tuple(name for name in sets if name != TRAIN),
        num_rows={name: len(rows) for name, rows in sets.items()},
        task=task,
        metric=metric or TASK_TO_SCORES[task].main,
    )
    with whole_folder(folder) as scratch:
        for name, rows in sets.items():
            with find_rows(scratch, name).open("w", encoding="utf-8", newline="\n") as file:
                for row in rows:
                    fields = {
                        key: value for key, value in row._asdict().items() if value is not None
                    }
                    file.write(json.dumps(fields, ensure_ascii=False) + "\n")
        fields = {**stamp(_MANIFEST), **asdict(written)}
        text = json.dumps(fields, ensure_ascii=False, indent=2) + "\n"
        (scratch / _MANIFEST).write_text(text, encoding="utf-8")
    return written
