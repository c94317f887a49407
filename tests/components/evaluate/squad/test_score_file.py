"""A predictions file is scored alone, from the command line."""

import copy
import json
import subprocess
import sys
from pathlib import Path

import pytest

_DATA = {
    "version": "v2.0",
    "data": [
        {
            "title": "Rhine",
            "paragraphs": [
                {
                    "context": "The Rhine rises in Switzerland.",
                    "qas": [
                        {
                            "id": "q1",
                            "question": "Where does it rise?",
                            "answers": [{"text": "Switzerland", "answer_start": 19}],
                            "is_impossible": False,
                        },
                        {"id": "q2", "question": "Who?", "answers": [], "is_impossible": True},
                    ],
                }
            ],
        }
    ],
}


def _score(
    folder: Path, predictions: str, *flags: str, document: dict = _DATA
) -> subprocess.CompletedProcess:
    (folder / "dev.json").write_text(json.dumps(document))
    (folder / "predictions.json").write_text(predictions)
    command = [sys.executable, "-m", "components.evaluate", "score"]
    command += ["--data", str(folder / "dev.json")]
    command += ["--predictions", str(folder / "predictions.json"), *flags]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_prints_the_scores_as_json(tmp_path):
    """One of two right, and with null odds both at the best threshold."""
    odds = tmp_path / "null_odds.json"
    odds.write_text('{"q1": -2.5, "q2": 0.5}')

    done = _score(tmp_path, '{"q1": "switzerland", "q2": "Rhine"}', "--null-odds", str(odds))

    scores = json.loads(done.stdout)
    assert (scores["exact"], scores["best_exact"], scores["best_exact_thresh"]) == (50, 100, -2.5)


def test_half_a_surrogate_pair_is_the_same_answer_in_both_files(tmp_path):
    """Both are read with U+FFFD in its place, ids too."""
    document = copy.deepcopy(_DATA)
    (paragraph,) = document["data"][0]["paragraphs"]
    paragraph["context"] = "It rises in \ud83d."
    answer = {"text": "\ud83d.", "answer_start": 12}
    paragraph["qas"][0] |= {"id": "q\udc00", "answers": [answer]}

    done = _score(tmp_path, r'{"q\udc00": "\ud83d.", "q2": "\ud83d"}', document=document)

    assert done.returncode == 0, done.stderr
    scores = json.loads(done.stdout)
    assert (scores["total"], scores["exact"]) == (2, 50)


@pytest.mark.parametrize(
    ("predictions", "message"),
    [
        ("{", "not JSON"),
        ("[]", "expected an object, got []; give predictions.json as run_squad writes it"),
        ('{"q1": 7}', "q1: expected a string, got 7; give predictions.json as"),
        ('{"q7": "x"}', "answers none of the data's questions"),
    ],
)
def test_a_malformed_predictions_file_is_rejected(tmp_path, predictions, message):
    """With one line that names it, and no traceback."""
    done = _score(tmp_path, predictions)

    assert done.returncode != 0
    assert done.stderr.startswith("evaluate score: error: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_null_odds_are_of_version_2(tmp_path):
    """With SQuAD 1.1 they would be read for nothing."""
    (tmp_path / "odds.json").write_text("{}")
    document = copy.deepcopy(_DATA) | {"version": "1.1"}
    paragraph = document["data"][0]["paragraphs"][0]
    paragraph["qas"] = paragraph["qas"][:1]
    del paragraph["qas"][0]["is_impossible"]
    flags = ("--null-odds", str(tmp_path / "odds.json"))

    done = _score(tmp_path, '{"q1": "switzerland"}', *flags, document=document)

    assert done.returncode == 2
    assert "SQuAD 1.1 has no null odds; leave --null-odds out" in done.stderr
    assert not done.stdout


def test_says_how_many_questions_have_no_prediction(tmp_path):
    """On the other stream, so that the scores stay JSON."""
    done = _score(tmp_path, '{"q1": "switzerland"}')

    assert json.loads(done.stdout)["total"] == 1
    assert done.stderr == "1 of 2 questions have no prediction and are left out\n"


def test_a_folder_of_predictions_is_no_file(tmp_path):
    """The message names what is in it."""
    done = _score(tmp_path, "{}", "--predictions", str(tmp_path))

    assert done.returncode == 2
    assert ": is a directory; give predictions.json as run_squad writes it" in done.stderr


_FOREIGN = {
    "data": [
        {
            "paragraphs": [
                {
                    "context": "Die Mühle wurde 1688 errichtet.",
                    "qas": [
                        {"id": 7, "question": "?", "answers": [{"text": "1688"}]},
                        {
                            "id": 8,
                            "question": "?",
                            "answers": [{"text": "nowhere", "answer_start": 900}],
                            "is_impossible": False,
                        },
                        {"id": None, "question": "?", "answers": []},
                    ],
                }
            ]
        }
    ]
}


def test_needs_the_texts_of_answers_alone(tmp_path):
    """Ids are numbers, answers are nowhere, and a question without any is left out of 1.1."""
    done = _score(tmp_path, '{"7": "1688", "8": "Nowhere", "null": ""}', document=_FOREIGN)

    assert json.loads(done.stdout) == {"exact_match": 100, "f1": 100}
    assert done.stderr == ("evaluate: questions left out because they have no gold answer: 1\n")


@pytest.mark.parametrize(("version", "total"), [("1.1", None), ("2.0", 3)])
def test_the_version_can_be_named(tmp_path, version, total):
    """In 2.0 the question without an answer counts, and silence is right."""
    predictions = '{"7": "1688", "8": "Nowhere", "null": ""}'

    done = _score(tmp_path, predictions, "--squad-version", version, document=_FOREIGN)

    scores = json.loads(done.stdout)
    assert scores.get("total") == total
    assert scores["exact" if total else "exact_match"] == 100
