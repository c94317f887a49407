"""The whole task: it learns labels that words give away, and goes on where it was killed."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from components.finetune.classification.config import FinetuneClassificationConfig
from components.finetune.classification.task import TARGETS, RankingTask, RegressionTask
from components.shared.bert.config import BertConfig
from components.shared.bert.heads import ClassifierModel
from components.shared.checkpoints.checkpoint import Checkpoint, named_variables, restore
from components.shared.checkpoints.checkpoint_manifest import write_untrained
from components.shared.classification.sentences import Row, write_sentences
from components.shared.errors import InputError
from components.shared.tokens.tokenization import Tokenization
from components.shared.training.history import History
from tests.components.processes import find_children
from tests.waiting import LONGEST_SECONDS, wait_until

WORDS = [f"word{i}" for i in range(20)]
PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", "so-so", *WORDS]
LABELS = ["bad", "good", "so-so"]
CONFIG = BertConfig(
    vocab_size=len(PIECES),
    hidden_size=32,
    num_hidden_layers=1,
    num_attention_heads=2,
    intermediate_size=64,
    max_position_embeddings=64,
)
WITHOUT_DROPOUT = dataclasses.replace(
    CONFIG, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0
)
SETTINGS = {
    "num_epochs": 25,
    "global_batch_size": 16,
    "learning_rate": 0.01,
    "micro_batch_size": 8,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Pairs whose second sentence holds the label's word, and a model without weights."""
    folder = tmp_path_factory.mktemp("inputs")
    generator = np.random.default_rng(0)
    rows = []
    for index in range(96):
        label = LABELS[index % 3].replace("so-so", "word0")
        first, second = (list(generator.choice(WORDS[1:], 1 + index % 7)) for _ in range(2))
        second.insert(int(generator.integers(len(second) + 1)), label)
        rows.append(Row(" ".join(first), " ".join(second), LABELS[index % 3]))
    write_sentences(folder / "sentences", LABELS, "", {"train": rows, "dev": rows[:3]})
    (folder / "vocab.txt").write_text("\n".join(PIECES) + "\n", encoding="utf-8")
    write_untrained(folder / "initial", CONFIG, folder / "vocab.txt", Tokenization(lowercase=True))
    return folder


def command(folder: Path, output: Path, **flags) -> list[str]:
    settings = {
        "sentences": folder / "sentences",
        "initial_checkpoint": folder / "initial",
        "checkpoint": output / "checkpoint",
        "history": output / "history.jsonl",
        "finetune-metrics": output / "metrics.json",
        "max_length_tokens": 32,
        "log_every_steps": 4,
        **SETTINGS,
        **flags,
    }
    pairs = [(f"--{name.replace('_', '-')}", str(value)) for name, value in settings.items()]
    return [sys.executable, "-m", "components.finetune", "classification", *sum(pairs, ())]


def run(folder: Path, output: Path, **flags) -> subprocess.CompletedProcess:
    return subprocess.run(
        command(folder, output, **flags),
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST_SECONDS,
    )


def losses(output: Path) -> list[float]:
    return [entry["loss"] for entry in History.read(output / "history.jsonl").entries]


@pytest.fixture(scope="module")
def straight(folder, tmp_path_factory) -> Path:
    """The output of a run that nobody disturbed."""
    output = tmp_path_factory.mktemp("straight")
    done = run(folder, output)
    assert done.returncode == 0, done.stderr
    assert f"{folder / 'initial'}: random weights" in done.stderr
    return output


@pytest.mark.slow
def test_it_learns_what_words_give_away(straight):
    """From a guess among three, ln 3, to nearly no loss; the labels are in the checkpoint."""
    entries = History.read(straight / "history.jsonl").entries

    assert entries[0]["label_loss"] == pytest.approx(np.log(3), abs=0.25)
    assert entries[-1]["label_accuracy"] > 0.95
    assert entries[-1]["loss"] < 0.3
    checkpoint = Checkpoint.read(straight / "checkpoint")
    assert checkpoint.labels == tuple(LABELS)
    model = ClassifierModel(checkpoint.config, num_labels=3, seed=1)
    model.build()
    restore(checkpoint.folder, named_variables(model))
    assert "label_accuracy" in json.loads((straight / "metrics.json").read_text("utf-8"))


@pytest.mark.long
def test_a_training_that_is_killed_is_restarted_where_it_was(folder, straight, tmp_path):
    """Kill -9 of the process that trains: the step ends with the losses of a run left alone."""
    states = tmp_path / "checkpoint-steps"
    with subprocess.Popen(
        command(folder, tmp_path, checkpoint_every_steps=5),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        wait_until(lambda: list(states.glob("step-*")), process, interval_seconds=0.001)
        os.kill(find_children(process.pid)[-1], signal.SIGKILL)
        _, errors = process.communicate(timeout=LONGEST_SECONDS)

    assert process.returncode == 0, errors
    assert "; restart 1 of 3 from step " in errors
    assert losses(tmp_path) == losses(straight)


@pytest.mark.long
def test_a_run_that_is_killed_resumes_with_another_number_of_processes(folder, straight, tmp_path):
    """Kill -9, then two processes: the same data in the same order, so the same losses."""
    states = tmp_path / "checkpoint-steps"
    with subprocess.Popen(
        command(folder, tmp_path, checkpoint_every_steps=5),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        wait_until(lambda: list(states.glob("step-*")), process, interval_seconds=0.001)
        process.kill()
    assert not (tmp_path / "checkpoint").exists()

    done = run(folder, tmp_path, checkpoint_every_steps=5, num_processes=2)

    assert done.returncode == 0, done.stderr
    assert "resuming from step" in done.stderr
    np.testing.assert_allclose(losses(tmp_path), losses(straight), rtol=1e-2, atol=5e-3)
    assert not states.exists()


@pytest.mark.slow
def test_another_tasks_labels_get_a_head_of_their_own(folder, straight, tmp_path):
    """Its labels differ, so its weights mean nothing here; the encoder's are taken."""
    rows = [Row(word, None, str(index % 2)) for index, word in enumerate(WORDS)]
    write_sentences(tmp_path / "sentences", ["0", "1"], "1", {"train": rows})

    done = run(
        tmp_path,
        tmp_path / "out",
        initial_checkpoint=straight / "checkpoint",
        num_epochs=1,
        precision="mixed_bfloat16",
    )

    assert done.returncode == 0, done.stderr
    assert "new, with random weights: output_weights, output_bias" in done.stderr
    assert Checkpoint.read(tmp_path / "out" / "checkpoint").labels == ("0", "1")


@pytest.mark.slow
def test_it_learns_numbers_that_words_give_away(tmp_path, folder):
    """From the variance of the numbers to a small part of it; the only output is the number."""
    values = {"bad": "-1.5", "good": "0.25", "so-so": "2"}
    rows = [Row(word.replace("so-so", "word0"), None, values[word]) for word in LABELS] * 32
    sets = {"train": rows, "dev": rows[:3]}
    write_sentences(tmp_path / "sentences", ["score"], "", sets, task="regression")

    done = run(tmp_path, tmp_path, initial_checkpoint=folder / "initial", num_epochs=40)

    assert done.returncode == 0, done.stderr
    entries = History.read(tmp_path / "history.jsonl").entries
    assert entries[0]["score_loss"] == entries[0]["loss"] > 0.5
    assert entries[-1]["loss"] < 0.1
    assert not [name for name in entries[-1] if name.endswith("accuracy")]
    assert Checkpoint.read(tmp_path / "checkpoint").labels == ("score",)


def test_the_loss_of_a_relevance_is_the_cross_entropy_of_its_share():
    """Of the training set's highest; summed over the micro-batch."""
    task = RankingTask(WITHOUT_DROPOUT, ["relevance"], seed=1)
    targets = task.targets([Row("x", None, "3", "g"), Row("y", None, "1", "h")])
    arrays = {"token_ids": np.array([[2, 5, 3]] * 2, np.int32), TARGETS: targets}
    arrays["segment_ids"] = np.zeros_like(arrays["token_ids"])
    share = 1 / (1 + np.exp(-task.model(arrays, training=False).numpy()[0, 0]))

    sums = task.sums(arrays)

    expected = -np.log(share) - np.log(share) / 3 - np.log(1 - share) * 2 / 3
    assert {name: float(value) for name, value in sums.items()} == pytest.approx(
        {"relevance_loss": expected}, rel=1e-5
    )


def test_the_loss_of_a_number_is_its_squared_error():
    """Summed over the micro-batch."""
    task = RegressionTask(WITHOUT_DROPOUT, ["score"], seed=1)
    targets = task.targets([Row("x", None, "1.5"), Row("y", None, "-2")])
    arrays = {"token_ids": np.array([[2, 5, 3]] * 2, np.int32), TARGETS: targets}
    arrays["segment_ids"] = np.zeros_like(arrays["token_ids"])
    score = task.model(arrays, training=False).numpy()[0, 0]

    sums = task.sums(arrays)

    assert targets.dtype == np.float32
    assert {name: float(value) for name, value in sums.items()} == pytest.approx(
        {"score_loss": (score - 1.5) ** 2 + (score + 2) ** 2}, rel=1e-5
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_epochs": 0.0}, "num_epochs must be above 0"),
        ({"max_length_tokens": 4}, "max_length_tokens must be 5 or more, got 4"),
        ({"global_batch_size": 7, "num_processes": 2}, "global_batch_size 7 cannot be cut"),
    ],
)
def test_settings_that_make_no_sense_are_rejected(changes, message):
    """Before any file is opened."""
    paths = ("sentences", "initial_checkpoint", "checkpoint", "history", "finetune_metrics")

    with pytest.raises(InputError, match=message):
        FinetuneClassificationConfig(**dict.fromkeys(paths, Path("x")), **changes)


def test_pods_of_a_job_run_this_task():
    """Not the stage's SQuAD."""
    paths = ("sentences", "initial_checkpoint", "checkpoint", "history", "finetune_metrics")

    config = FinetuneClassificationConfig(**dict.fromkeys(paths, Path("x")))

    assert config.command == ["python", "-m", "components.finetune", "classification"]


def test_a_folder_that_holds_something_else_is_not_replaced(folder, tmp_path):
    """A checkpoint goes to one of its own: before anything is read."""
    done = run(folder, tmp_path / "out", checkpoint=folder / "sentences")

    assert done.returncode == 2
    assert f"{folder / 'sentences'}: holds dev.jsonl and no checkpoint.json" in done.stderr
    assert (folder / "sentences" / "train.jsonl").exists()


def test_a_folder_of_something_else_is_rejected(tmp_path):
    """One line, status 2."""
    done = run(tmp_path, tmp_path / "out", sentences=tmp_path)

    assert done.returncode == 2
    assert f"{tmp_path}/sentences.json: no such file or directory; make the folder" in done.stderr
