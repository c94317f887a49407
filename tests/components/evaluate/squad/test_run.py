"""The whole stage: predictions, scores, speed and report of a small model."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from components.evaluate.squad.question_answerer import load_predictor
from components.evaluate.squad.run import read_histories
from components.shared.checkpoints.checkpoint import Checkpoint
from components.shared.errors import InputError
from components.shared.squad.data import read_squad
from components.shared.squad.windows import make_windows
from components.shared.tokens.tokenizer import WordPieceTokenizer
from tests.waiting import LONGEST_SECONDS, wait_until

SPEED = {"questions_per_second", "windows_per_second"} | {
    f"latency_ms_p{percentile}" for percentile in (50, 90, 95, 99, 100)
}


@pytest.fixture
def squad(tmp_path) -> Path:
    """Contexts of 5 to 120 words, so that windows come in several lengths, and an odd one."""
    paragraphs = [
        {
            "context": "home " + "far away " * count,
            "qas": [
                {
                    "id": f"q{count}",
                    "question": "where is home",
                    "answers": [{"text": "far away", "answer_start": 5}],
                    "is_impossible": False,
                }
            ],
        }
        for count in (2, 3, 20, 40, 60)
    ]
    odd = {"id": "odd", "question": "", "answers": [], "is_impossible": True}
    paragraphs.append({"context": "🏠 בית far away", "qas": [odd]})
    folder = tmp_path / "squad"
    folder.mkdir()
    data = {"version": "v2.0", "data": [{"title": "home", "paragraphs": paragraphs}]}
    (folder / "dev.json").write_text(json.dumps(data), encoding="utf-8")
    return folder


def command(squad: Path, checkpoint: Path, output: Path, *more, **flags) -> list[str]:
    settings = {
        "squad": squad,
        "checkpoint": checkpoint,
        "evaluate-metrics": output / "metrics.json",
        "report": output / "report.html",
        "summary": output / "summary.md",
        "predictions": output / "predictions",
        "max-length-tokens": 128,
        "batch-size": 2,
    } | {name.replace("_", "-"): value for name, value in flags.items()}
    pairs = [(f"--{name}", str(value)) for name, value in settings.items()]
    return [sys.executable, "-m", "components.evaluate", *sum(pairs, ()), *more]


def run(*arguments, **flags) -> subprocess.CompletedProcess:
    """Of what `command` takes."""
    return subprocess.run(
        command(*arguments, **flags),
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST_SECONDS,
    )


def test_a_windows_scores_do_not_depend_on_its_batch(squad, checkpoint):
    """Alone, padded among longer ones, or in a batch that was filled up."""
    opened = Checkpoint.read(checkpoint)
    tokenizer = WordPieceTokenizer(opened.vocabulary, lowercase=True)
    windows = make_windows(
        read_squad(squad / "dev.json").questions,
        tokenizer,
        opened.vocabulary,
        max_length_tokens=128,
        training=False,
    )
    predictor = load_predictor(opened, precision="float32")

    one = predictor.predict(windows, batch_size=1, num_warmup_batches=1)
    four = predictor.predict(windows, batch_size=4, num_warmup_batches=1)

    assert len(windows) >= 6
    for index, window in enumerate(windows):
        for alone, together in zip(one.outputs, four.outputs, strict=True):
            assert alone[index].shape == (len(window.token_ids),)
            np.testing.assert_allclose(alone[index], together[index], atol=1e-5)


@pytest.mark.slow
def test_a_model_is_scored_timed_and_reported(squad, checkpoint, tmp_path):
    """All files are there, and the metrics hold the official fields and the speed."""
    grid = ("--speed-batch-sizes", "1,4", "--speed-lengths", "96", "--num-speed-batches", "3")

    done = run(squad, checkpoint, tmp_path / "out", *grid)

    assert done.returncode == 0, done.stderr
    metrics = json.loads((tmp_path / "out" / "metrics.json").read_text("utf-8"))
    predictions = json.loads((tmp_path / "out/predictions/predictions.json").read_text("utf-8"))
    assert set(metrics) >= {"exact", "f1", "total", "HasAns_f1", "best_f1_thresh"} | SPEED
    assert metrics["latency_ms_p50"] <= metrics["latency_ms_p100"]
    for size in (1, 4):
        assert metrics.keys() >= {f"float32_length_96_batch_{size}_{name}" for name in SPEED}
    assert set(predictions) == {"q2", "q3", "q20", "q40", "q60", "odd"}
    assert sorted(path.name for path in (tmp_path / "out/predictions").iterdir()) == [
        "nbest_predictions.json",
        "null_odds.json",
        "predictions.json",
    ]
    report = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "where is home" in report
    # Without the marks around an answer.
    assert "🏠 בית" in re.sub(r"</?mark[^>]*>", "", report)
    assert "By batch size, length" in report
    summary = (tmp_path / "out" / "summary.md").read_text("utf-8")
    assert summary.startswith("# SQuAD 2.0: 6 questions\n")
    assert f"| All questions | {metrics['exact']:.2f} | {metrics['f1']:.2f} |" in summary
    assert "Of 2 settings: most questions per second" in summary


@pytest.mark.slow
def test_what_ends_the_speed_grid_leaves_the_evaluation_whole(squad, checkpoint, tmp_path):
    """All files are written before it begins, and are those of an evaluation without it."""
    endless = ("--speed-batch-sizes", "1", "--num-speed-batches", "10000000")
    metrics = tmp_path / "out" / "metrics.json"

    with subprocess.Popen(
        command(squad, checkpoint, tmp_path / "out", *endless), stderr=subprocess.PIPE, text=True
    ) as process:
        wait_until(metrics.exists, process)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=LONGEST_SECONDS)

    assert process.returncode == 130, stderr
    scores = json.loads(metrics.read_text("utf-8"))
    assert scores.keys() >= {"exact", "f1"} | SPEED
    assert not any(name.startswith("float32_") for name in scores)
    assert (tmp_path / "out" / "predictions" / "nbest_predictions.json").exists()
    report = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "where is home" in report
    assert "By batch size, length" not in report
    assert (tmp_path / "out" / "summary.md").exists()


@pytest.mark.slow
def test_a_model_is_compared_with_a_baseline(squad, checkpoint, tmp_path):
    """With itself: no difference, and a metrics file that can be a baseline again."""
    first = run(squad, checkpoint, tmp_path / "first")
    assert first.returncode == 0, first.stderr

    again = run(squad, checkpoint, tmp_path / "again", baseline=tmp_path / "first" / "metrics.json")

    assert again.returncode == 0, again.stderr
    metrics = json.loads((tmp_path / "again" / "metrics.json").read_text("utf-8"))
    assert metrics["baseline_f1"] == pytest.approx(metrics["f1"])
    assert (metrics["f1_difference_low"], metrics["f1_difference_high"]) == (0, 0)
    assert "Against the baseline" in (tmp_path / "again" / "report.html").read_text("utf-8")


def test_a_baseline_of_other_questions_is_rejected_before_anything_is_answered(squad, tmp_path):
    """Not even the checkpoint, which is none, has been looked at."""
    (tmp_path / "metrics.json").write_text('{"question_scores": {"other": [1, 1]}}', "utf-8")

    done = run(squad, tmp_path, tmp_path / "out", baseline=tmp_path / "metrics.json")

    assert done.returncode == 2
    assert "0 of its 1 questions are among the 6 of this data" in done.stderr


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, ": no such file or directory; give the history"),
        ("where is home\n", ": line 1, column 1: not JSON.*; give the history of a training step"),
        ('{"f1": 1.0}\n', ": no history; give the one"),
        ("1\n", ": line 1: expected an object, got 1; give the history of a training step"),
    ],
)
def test_a_history_that_is_none_is_rejected(tmp_path, content, message):
    """The file is named."""
    path = tmp_path / "history.jsonl"
    if content is not None:
        path.write_text(content, encoding="utf-8")

    with pytest.raises(InputError, match=f"^{path}{message}"):
        read_histories(None, path)


def test_a_folder_that_holds_something_else_is_not_replaced(squad, tmp_path):
    """Predictions go to one of their own."""
    done = run(squad, tmp_path, tmp_path / "out", predictions=squad)

    assert done.returncode == 2
    assert f"{squad}: holds dev.json and no predictions.json: " in done.stderr
    assert (squad / "dev.json").exists()


def test_nothing_is_answered_if_a_history_is_missing(squad, tmp_path):
    """Not even the checkpoint, which is none, has been looked at."""
    done = run(squad, tmp_path, tmp_path / "out", finetune_history=tmp_path / "none")

    assert done.returncode == 2
    assert f"evaluate: error: {tmp_path / 'none'}: no such file" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_folder_that_is_no_checkpoint_is_rejected(squad, tmp_path):
    """One line, status 2, nothing written."""
    done = run(squad, tmp_path, tmp_path / "out")

    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(
        f"evaluate: error: {tmp_path}: no bert_model.ckpt.index in it"
    )
    assert not (tmp_path / "out").exists()
