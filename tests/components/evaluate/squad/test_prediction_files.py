"""The files of answers are run_squad's, and are written without keeping all of them."""

import json
import subprocess
import sys

import pytest

from components.evaluate.squad.prediction_files import write_answers
from components.shared.squad.best_answers import Candidate, QuestionAnswer


def _candidate(text: str, probability: float = 1.0) -> Candidate:
    return Candidate(text=text, probability=probability, start_logit=0.5, end_logit=0.25)


@pytest.mark.parametrize("odds", [None, -1.5])
def test_writes_the_files_of_run_squad(tmp_path, odds):
    """Four spaces, ASCII, and null odds for version 2.0 alone."""
    nbest = [_candidate("é\n", 0.75), _candidate('"x"', 0.25)]
    answers = [QuestionAnswer("q", "é\n", nbest, odds), QuestionAnswer('"2"', "", nbest, odds)]

    write_answers(tmp_path / "out", answers)

    expected = {
        "predictions.json": {"q": "é\n", '"2"': ""},
        "nbest_predictions.json": {"q": nbest, '"2"': nbest},
    }
    if odds is not None:
        expected["null_odds.json"] = {"q": odds, '"2"': odds}
    assert {path.name: path.read_text() for path in (tmp_path / "out").iterdir()} == {
        name: json.dumps(content, indent=4) + "\n" for name, content in expected.items()
    }


def test_keeps_what_scores_and_the_report_need(tmp_path):
    """The answer and its probability; of version 2.0 also the best answer other than none."""
    nbest = [_candidate("", 0.75), _candidate("x", 0.25)]

    kept = write_answers(tmp_path / "out", [QuestionAnswer("q", "", nbest, 2.0)])

    assert (kept.predictions, kept.probabilities) == ({"q": ""}, {"q": 0.75})
    assert (kept.best_texts, kept.null_odds) == ({"q": "x"}, {"q": 2.0})


def test_an_error_while_choosing_leaves_nothing_written(tmp_path):
    """Answers are chosen while they are written."""

    def choose():
        yield QuestionAnswer("q", "x", [_candidate("x")], None)
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011
        write_answers(tmp_path / "out", choose())

    assert not list(tmp_path.iterdir())


_MANY = r"""
import re, sys
from pathlib import Path
from components.shared.squad.best_answers import Candidate, QuestionAnswer
from components.evaluate.squad.prediction_files import write_answers

def choose():
    for number in range(100_000):
        nbest = [
            Candidate(text=f"answer {place} to question {number}", probability=1 / (place + 2),
                      start_logit=number / 7, end_logit=place / 7)
            for place in range(20)
        ]
        yield QuestionAnswer(f"{number:024}", nbest[0]["text"], nbest, 0.5)

write_answers(Path(sys.argv[1]), choose())
# Not getrusage: it counts what the process that started this one held.
print(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.long
def test_the_answers_to_100000_questions_fit_into_256_mib(tmp_path):
    """All of them at once would take gigabytes."""
    done = subprocess.run(
        [sys.executable, "-c", _MANY, str(tmp_path / "out")],
        capture_output=True,
        text=True,
        check=True,
    )

    assert int(done.stdout) * 1024 < 256 << 20
