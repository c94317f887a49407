"""Two models' scores of the same questions are compared."""

import json

import numpy as np
import pytest

from components.evaluate.squad.baseline import compare, read_baseline, score_questions
from components.shared.errors import InputError
from components.shared.squad.data import Answer, Question


def ask(*ids) -> list[Question]:
    """Questions of these ids."""
    return [Question(id_, "", "?", "x y", (Answer("x y", 0),), False) for id_ in ids]


def test_scores_of_questions_are_those_of_their_answers():
    """A right one, a partly right one, and one that was not answered."""
    scores = score_questions(ask("p", "q", "r"), {"p": "X y!", "q": "y"})

    assert scores == {"p": [1, 1], "q": [0, pytest.approx(2 / 3)], "r": [0, 0]}


def test_a_difference_is_of_the_means_in_percent_points():
    """Three of four right against one of four."""
    own = {id_: [float(id_ != "a"), 0.5] for id_ in "abcd"}
    baseline = {id_: [float(id_ == "b"), 0.75] for id_ in "abcd"}

    exact, f1 = compare(own, baseline)

    assert (exact.name, exact.baseline, exact.difference) == ("exact", 25, 50)
    assert (f1.baseline, f1.difference) == (75, -25)
    # Every question has the same difference: no resample can have another.
    assert (f1.low, f1.high) == (-25, -25)


def test_the_interval_is_that_of_a_mean():
    """Of many questions it nears mean ± 1.96 standard errors."""
    generator = np.random.default_rng(7)
    values = generator.normal(0.1, 1, size=2000)
    own = {str(index): [value, value] for index, value in enumerate(values)}
    baseline = {id_: [0, 0] for id_ in own}

    exact, _ = compare(own, baseline)

    error = 100 * values.std() / np.sqrt(len(values))
    assert exact.low == pytest.approx(exact.difference - 1.96 * error, abs=0.15 * error)
    assert exact.high == pytest.approx(exact.difference + 1.96 * error, abs=0.15 * error)


def test_the_same_comparison_gives_the_same_interval():
    """The resampling has a seed."""
    own = {str(index): [index % 2, index % 3 / 2] for index in range(50)}
    baseline = {id_: [1, 0.5] for id_ in own}

    assert compare(own, baseline) == compare(own, baseline)


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
def test_a_baseline_that_does_not_fit_is_refused(tmp_path, content, message):
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
