"""The whole stage: it learns the answers of a small training set on two processes."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from components.shared.bert.checkpoint import Checkpoint, named_variables, restore, write_checkpoint
from components.shared.bert.config import BertConfig
from components.shared.bert.heads import PretrainingModel, SpanModel
from components.shared.bert.history import History
from tests.components.shared.bert import google_checkpoint

WORDS = [f"word{i}" for i in range(40)]


@pytest.fixture
def pretrained(tmp_path) -> Path:
    vocabulary = tmp_path / "vocab.txt"
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "where", "is", "?", *WORDS]
    vocabulary.write_text("\n".join(pieces) + "\n", encoding="utf-8")
    config = BertConfig(
        vocab_size=len(pieces),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    model = PretrainingModel(config, seed=1)
    model.build()
    folder = tmp_path / "pretrained"
    write_checkpoint(folder, model=model, vocabulary=vocabulary, lowercase=True)
    return folder


@pytest.fixture
def squad(tmp_path) -> Path:
    """Questions that name the word which is the answer."""
    generator = np.random.default_rng(0)
    paragraphs = []
    for index in range(64):
        words = generator.choice(WORDS, 12, replace=False)
        answer = str(words[generator.integers(12)])
        context = " ".join(words)
        # The blanks keep word1 from being found in word12.
        start = f" {context} ".index(f" {answer} ")
        answers = [{"text": answer, "answer_start": start}]
        qas = [{"id": f"q{index}", "question": f"where is {answer} ?", "answers": answers}]
        paragraphs.append({"context": context, "qas": qas})
    folder = tmp_path / "squad"
    folder.mkdir()
    data = {"version": "1.1", "data": [{"title": "words", "paragraphs": paragraphs}]}
    (folder / "train.json").write_text(json.dumps(data), encoding="utf-8")
    return folder


def run(squad: Path, pretrained: Path, output: Path, **flags) -> subprocess.CompletedProcess:
    paths = {
        "squad": squad,
        "initial-checkpoint": pretrained,
        "checkpoint": output / "checkpoint",
        "history": output / "history.jsonl",
        "metrics": output / "metrics.json",
        "max-length-tokens": 64,
        "max-query-tokens": 16,
    }
    flags = paths | {name.replace("_", "-"): value for name, value in flags.items()}
    pairs = [(f"--{name}", str(value)) for name, value in flags.items()]
    return subprocess.run(
        [sys.executable, "-m", "components.finetune", *sum(pairs, ())],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.mark.slow
def test_two_processes_learn_the_answers(squad, pretrained, tmp_path):
    """The loss falls well under that of a guess, ln 18 or so, and the model comes out."""
    done = run(
        squad,
        pretrained,
        tmp_path / "out",
        num_epochs=40,
        global_batch_size=16,
        learning_rate=0.003,
        num_processes=2,
    )

    assert done.returncode == 0, done.stderr
    entries = History.read(tmp_path / "out" / "history.jsonl").entries
    assert entries[0]["loss"] > 2
    assert entries[-1]["loss"] < 1.5
    checkpoint = Checkpoint.read(tmp_path / "out" / "checkpoint")
    model = SpanModel(checkpoint.config, seed=1)
    model.build()
    restore(checkpoint.folder, named_variables(model))


@pytest.mark.slow
def test_windows_longer_than_the_models_positions_are_refused(squad, pretrained, tmp_path):
    """One line that names both numbers."""
    done = run(squad, pretrained, tmp_path / "out", max_length_tokens=128)

    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        "finetune: error: max_length_tokens 128 is more than the model's max_position_embeddings 64"
    )
    assert not (tmp_path / "out" / "checkpoint").exists()


@pytest.mark.slow
def test_googles_checkpoint_is_fine_tuned_and_exported(squad, pretrained, tmp_path):
    """The log lists the new head and the ones not used; transformers' files come out."""
    folder, output = tmp_path / "google", tmp_path / "out"
    config = Checkpoint.read(pretrained).config
    google_checkpoint.write(folder, config, pretrained / "vocab.txt")

    done = run(squad, folder, output, num_epochs=1, global_batch_size=16)

    assert done.returncode == 0, done.stderr
    assert (
        "new, with random weights: cls/squad/output_weights, cls/squad/output_bias" in done.stderr
    )
    assert "not used: cls/predictions/output_bias" in done.stderr
    command = [sys.executable, "-m", "components.finetune", "export"]
    flags = ["--checkpoint", str(output / "checkpoint"), "--output", str(output / "exported")]
    exported = subprocess.run([*command, *flags], capture_output=True, text=True, check=False)
    assert (
        exported.stdout == f"{output / 'exported'}: a BertForQuestionAnswering for transformers\n"
    )


@pytest.mark.slow
def test_a_checkpoint_without_a_weight_is_not_fine_tuned(squad, pretrained, tmp_path):
    """Status 2, and its name."""
    folder = tmp_path / "google"
    name = "bert/encoder/layer_0/output/dense/kernel"
    config = Checkpoint.read(pretrained).config
    google_checkpoint.write(folder, config, pretrained / "vocab.txt", without=name)

    done = run(squad, folder, tmp_path / "out")

    assert done.returncode == 2
    assert f"{name}: missing" in done.stderr
