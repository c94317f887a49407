"""Scores a predictions file alone, as SQuAD's official scripts do.

python -m components.evaluate score --predictions predictions.json --data dev.json
"""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from components.evaluate.squad.gold import read_gold
from components.evaluate.squad.scores import score_answers
from components.shared.errors import InputError
from components.shared.squad.data import SquadData
from components.shared.squad.settings import SquadConfig
from components.shared.text import parse_json


@dataclass(frozen=True, kw_only=True)
class ScoreFiles(SquadConfig):
    """Score a predictions file as SQuAD's official scripts do, and print the scores as JSON."""

    predictions: Path
    """JSON object: question id -> answer, "" for none."""
    data: Path
    """SQuAD file with the gold answers."""
    null_odds: Path | None = None
    """JSON object: question id -> null odds (SQuAD 2.0), for the best thresholds."""


def score(files: ScoreFiles) -> None:
    """Print the official scores of a predictions file.

    Raises:
        InputError: if a file is not of its form, or null odds are given for SQuAD 1.1.
    """
    data = read_gold(files.data, version=files.squad_version)
    predictions = _read_object(files.predictions, _is_text, "texts")
    null_odds = None
    if files.null_odds is not None:
        if data.version == "1.1":
            raise InputError(
                f"{files.data}: SQuAD 1.1 has no null odds; leave --null-odds out, give the SQuAD "
                "2.0 file that they are of, or set --squad-version to 2.0"
            )
        null_odds = _read_object(files.null_odds, _is_number, "numbers")
    scores = score_answers(data, predictions, null_odds)
    _note_missing(data, predictions)
    print(json.dumps(scores, indent=2))


def _note_missing(data: SquadData, predictions: Mapping[str, str]) -> None:
    """Say how many questions have no prediction: a file of other questions looks like zeros."""
    num_missing = sum(question.id not in predictions for question in data.questions)
    if num_missing:
        counted = "count as wrong" if data.version == "1.1" else "are left out"
        print(
            f"{num_missing} of {len(data.questions)} questions have no prediction and {counted}",
            file=sys.stderr,
        )


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _read_object(path: Path, fits: Callable[[object], bool], kind: str) -> dict:
    """A JSON object whose values are all of one kind."""
    try:
        content = parse_json(path.read_bytes())
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise InputError(
            f"{path}: is a folder; give a file, such as predictions.json in it"
        ) from None
    except ValueError as error:
        raise InputError(
            f"{path}: not JSON ({error}); give the file as run_squad writes it"
        ) from None
    wrong = None
    if not isinstance(content, dict):
        wrong = "the document"
    else:
        wrong = next((repr(id_) for id_, value in content.items() if not fits(value)), None)
    if wrong:
        raise InputError(f"{path}: {wrong}: expected an object of question ids and {kind}")
    return content
