"""What came of the development sets, whatever the task."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from components.shared.files.atomic import whole_folder


@dataclass(frozen=True)
class Prediction:
    """What the model said of a row."""

    text: str
    """As a table has it."""
    fields: Mapping[str, Any]
    """All that is known of it."""


@dataclass(frozen=True)
class DevSet:
    """What came of one development set."""

    name: str
    scores: Mapping[str, float]
    predictions: Sequence[Prediction]
    """In the order of its rows."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of all development sets, and what shows it."""

    dev_sets: Sequence[DevSet]
    """The first is the one that counts."""
    names: Mapping[str, str]
    """What the report calls the scores, by their keys."""
    title: str
    subtitle: str
    template: str
    """Of the report, in this folder."""
    contents: Mapping[str, Any]
    """What the template's own blocks show."""
    matrices: Mapping[str, Any] = field(default_factory=dict)
    """A confusion matrix for each set, where there are labels."""


def name_files(dev_name: str) -> tuple[str, str]:
    """The two files that `write_predictions` writes for a development set."""
    return f"{dev_name}.tsv", f"{dev_name}.jsonl"


def write_predictions(folder: Path, dev_sets: Sequence[DevSet]) -> None:
    """Write two files for each development set, whole or not at all."""
    with whole_folder(folder) as scratch:
        for one in dev_sets:
            table_file, lines_file = (scratch / file for file in name_files(one.name))
            rows = [f"{index}\t{row.text}" for index, row in enumerate(one.predictions)]
            table_file.write_text("\n".join(["index\tprediction", *rows]) + "\n", encoding="utf-8")
            with lines_file.open("w", encoding="utf-8", newline="\n") as file:
                for index, row in enumerate(one.predictions):
                    fields = {"index": index, **row.fields}
                    file.write(json.dumps(fields, ensure_ascii=False) + "\n")
