"""Two models' scores of the same questions are compared."""

import json

import pytest

from components.evaluate.squad.baseline import read_baseline, score_questions
from components.shared.errors import InputError
from components.shared.squad.data import Answer, Question


def ask(*ids) -> list[Question]:
    """Questions of these ids."""
    return [Question(id_, "", "?", "x y", (Answer("x y", 0),), False) for id_ in ids]


def test_scores_of_questions_are_those_of_their_answers():
    """A right one, a partly right one, and one that was not answered."""
    scores = score_questions(ask("p", "q", "r"), {"p": "X y!", "q": "y"})

    assert scores == {"p": [1, 1], "q": [0, pytest.approx(2 / 3)], "r": [0, 0]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"f1": 3.0}', "question_scores: missing; give the metrics.json of an evaluation"),
        ('{"question_scores": {"a": 1}}', "question_scores.a: expected a list, got 1"),
        ('{"question_scores": {"a": [1]}}', "question_scores: expected exact and f1 of each"),
        ('{"question_scores": {}}', "question_scores: expected exact and f1 of each question"),
        ("[", "line 1, column 2: not JSON"),
        ('{"question_scores": {"a": [1, 1], "z": [1, 1]}}', "1 of its 2 questions are among the 1"),
    ],
)
def test_a_baseline_that_does_not_fit_is_rejected(tmp_path, content, message):
    """The file is named."""
    path = tmp_path / "metrics.json"
    path.write_text(content, encoding="utf-8")

    with pytest.raises(InputError, match=message):
        read_baseline(path, ask("a"))


def test_a_baseline_is_read_from_an_evaluations_metrics(tmp_path):
    """Whatever else they hold; a folder is none."""
    path = tmp_path / "metrics.json"
    path.write_text(json.dumps({"f1": 0.0, "question_scores": {"a": [1, 0.5]}}), encoding="utf-8")

    assert read_baseline(path, ask("a")) == {"a": (1.0, 0.5)}
    with pytest.raises(InputError, match="is a directory; give the metrics.json of an evaluation"):
        read_baseline(tmp_path, ask("a"))
