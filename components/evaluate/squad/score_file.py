"""Scores a predictions file alone, as SQuAD's official scripts do.

python -m components.evaluate score --predictions predictions.json --data dev.json
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from components.evaluate.squad.gold import read_gold
from components.evaluate.squad.scores import score_answers
from components.shared.errors import InputError
from components.shared.files.documents import load_json
from components.shared.squad.data import SquadData
from components.shared.squad.settings import SquadConfig


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
    predictions = load_json(
        files.predictions,
        dict[str, str],
        remedy="give predictions.json as run_squad writes it: an object of question ids and texts",
    )
    null_odds = None
    if files.null_odds is not None:
        if data.version == "1.1":
            raise InputError(
                f"{files.data}: SQuAD 1.1 has no null odds; leave --null-odds out, give the SQuAD "
                "2.0 file that they are of, or set --squad-version to 2.0"
            )
        null_odds = load_json(
            files.null_odds,
            dict[str, float],
            remedy="give null_odds.json as run_squad writes it: an object of ids and numbers",
        )
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
