"""The scores of the model in use, of the questions that the candidate was evaluated on."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from components.release.comparison.candidate import Candidate, Evaluation
from components.release.other_stage import run_stage
from components.shared.errors import InputError
from components.shared.files.documents import decode_json
from components.shared.model_store.store import ModelStore
from components.shared.reports.comparison import QUESTION_SCORES, QuestionScores

SCORES_FILE = "question_scores.json"
"""The file of a version that has its scores of each question, and says which questions."""


@dataclass(frozen=True)
class _Stored:
    questions: str
    """The SHA-256 of the questions."""
    names: tuple[str, ...]
    """Of the scores."""
    question_scores: dict[str, tuple[float, ...]]


@dataclass(frozen=True)
class _Described:
    evaluation: dict[str, Any] = field(default_factory=dict)


def describe_scores(candidate: Candidate) -> str:
    """Return the text of a version's SCORES_FILE."""
    fields = {
        "questions": candidate.questions,
        "names": list(candidate.limits.minimums),
        QUESTION_SCORES: dict(candidate.scores),
    }
    return json.dumps(fields) + "\n"


def find_scores(store: ModelStore, version: str, candidate: Candidate) -> QuestionScores:
    """Return the scores of a version: those it was released with, if the questions are the same.

    Otherwise it answers the questions now.

    Raises:
        InputError: if the version can't be read or evaluated.
    """
    source = f"{store}, version {version}"
    stored = decode_json(store.read(version, SCORES_FILE), _Stored, source=source)
    is_same = (stored.questions, stored.names) == (
        candidate.questions, tuple(candidate.limits.minimums)
    )  # fmt: skip
    if is_same and stored.question_scores.keys() == candidate.scores.keys():
        return stored.question_scores
    print(f"release: other questions than before: {version} answers them now", flush=True)
    described = decode_json(json.dumps(store.describe(version)), _Described, source=source)
    scores = _evaluate(store, version, described.evaluation, candidate.evaluation)
    if scores.keys() != candidate.scores.keys():
        raise InputError(
            f"{candidate.checkpoint}: its scores are of other questions than those in "
            f"{', '.join(map(str, candidate.evaluation.inputs.values()))}; evaluate it on them"
        )
    return scores


def _evaluate(
    store: ModelStore, version: str, settings: Mapping[str, Any], evaluation: Evaluation
) -> QuestionScores:
    """Run the evaluation stage's command line on a version, with the version's own settings."""
    with tempfile.TemporaryDirectory(prefix="in-use-", ignore_cleanup_errors=True) as scratch:
        folder = store.fetch(version, Path(scratch, "version"))
        outputs = {name: Path(scratch, name) for name in evaluation.outputs}
        given = {
            **evaluation.inputs,
            **outputs,
            "checkpoint": folder / "model",
            **{name: settings[name] for name in evaluation.settings if name in settings},
        }
        error = run_stage(*evaluation.command, settings=given)
        if error:
            raise InputError(
                f"{store}: version {version}, which is in use, can't be evaluated on the "
                f"development set: {error}; roll back to another version"
            )
        return evaluation.read_scores(outputs)
