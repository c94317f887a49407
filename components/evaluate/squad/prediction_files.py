"""The files of answers that run_squad writes, by its names and in its form.

They are written answer by answer: the best answers to 100,000 questions do not fit into memory.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from components.shared.files.atomic import whole_folder
from components.shared.squad.best_answers import QuestionAnswer

# Those of either version.
PREDICTION_FILES = ("predictions.json", "nbest_predictions.json")


@dataclass(frozen=True)
class Answers:
    """What scores and the report need of the answers, by question id."""

    predictions: dict[str, str] = field(default_factory=dict)
    """The answer; "" for none."""
    probabilities: dict[str, float] = field(default_factory=dict)
    """The answer's, among the model's best answers."""
    best_texts: dict[str, str] = field(default_factory=dict)
    """SQuAD 2.0: the best answer that is not "no answer"; empty for 1.1."""
    null_odds: dict[str, float] = field(default_factory=dict)
    """SQuAD 2.0: score of no answer less that of the best answer; empty for 1.1."""

    def add(self, answer: QuestionAnswer) -> None:
        """Keep what is needed of an answer."""
        self.predictions[answer.id] = answer.text
        self.probabilities[answer.id] = next(
            (item["probability"] for item in answer.nbest if item["text"] == answer.text), 0.0
        )
        if answer.null_odds is not None:
            self.null_odds[answer.id] = answer.null_odds
            texts = (item["text"] for item in answer.nbest if item["text"])
            self.best_texts[answer.id] = next(texts, "")


def write_answers(folder: Path, chosen: Iterable[QuestionAnswer]) -> Answers:
    """Write predictions.json, nbest_predictions.json and, for SQuAD 2.0, null_odds.json.

    Returns:
        What is kept of the answers.
    """
    answers = Answers()
    with whole_folder(folder) as scratch, ExitStack() as stack:
        texts, nbest = (
            stack.enter_context(_open_object(scratch / name)) for name in PREDICTION_FILES
        )
        odds = None
        for answer in chosen:
            texts.add(answer.id, answer.text)
            nbest.add(answer.id, answer.nbest)
            if answer.null_odds is not None:
                odds = odds or stack.enter_context(_open_object(scratch / "null_odds.json"))
                odds.add(answer.id, answer.null_odds)
            answers.add(answer)
    return answers


class _ObjectWriter:
    """Writes a JSON object field by field, to the byte as json.dump with an indent of 4."""

    def __init__(self, file: TextIO) -> None:
        self._file, self._separator = file, "\n"

    def add(self, name: str, value: Any) -> None:
        # A line's end within a text is written as \\n, so these are of the layout alone.
        text = json.dumps(value, indent=4).replace("\n", "\n    ")
        self._file.write(f"{self._separator}    {json.dumps(name)}: {text}")
        self._separator = ",\n"


@contextmanager
def _open_object(path: Path) -> Iterator[_ObjectWriter]:
    with path.open("w", encoding="utf-8") as file:
        file.write("{")
        yield _ObjectWriter(file)
        file.write("\n}\n")
