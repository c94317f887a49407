"""The whole stage: it learns the answers of a small training set, also after a kill -9."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from components.finetune.squad.config import FinetuneConfig
from components.finetune.squad.run import run as finetune
from components.shared.bert.config import BertConfig
from components.shared.bert.heads import PretrainingModel, SpanModel
from components.shared.checkpoints.checkpoint import (
    Checkpoint,
    named_variables,
    restore,
    write_checkpoint,
)
from components.shared.errors import InputError
from components.shared.tokens.tokenization import Tokenization
from components.shared.training.history import History
from tests.components.processes import find_children
from tests.components.shared.bert import google_checkpoint
from tests.waiting import LONGEST_SECONDS, wait_until

WORDS = [f"word{i}" for i in range(40)]
# A state does not fall on a line of the history: what came since the last line is kept too.
SETTINGS = {
    "num_epochs": 40,
    "learning_rate": 0.003,
    "global_batch_size": 16,
    "micro_batch_size": 8,
    "checkpoint_every_steps": 5,
    "log_every_steps": 7,
}


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory) -> Path:
    vocabulary = tmp_path_factory.mktemp("model") / "vocab.txt"
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
    folder = vocabulary.parent / "pretrained"
    write_checkpoint(
        folder, model=model, vocabulary=vocabulary, tokenization=Tokenization(lowercase=True)
    )
    return folder


@pytest.fixture(scope="module")
def squad(tmp_path_factory) -> Path:
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
    folder = tmp_path_factory.mktemp("squad")
    data = {"version": "1.1", "data": [{"title": "words", "paragraphs": paragraphs}]}
    (folder / "train.json").write_text(json.dumps(data), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def straight(squad, pretrained, tmp_path_factory) -> Path:
    """The output of a run that nobody disturbed."""
    output = tmp_path_factory.mktemp("straight")
    done = run(squad, pretrained, output, **SETTINGS)
    assert done.returncode == 0, done.stderr
    return output


def command(squad: Path, pretrained: Path, output: Path, **flags) -> list[str]:
    paths = {
        "squad": squad,
        "initial-checkpoint": pretrained,
        "checkpoint": output / "checkpoint",
        "history": output / "history.jsonl",
        "finetune-metrics": output / "metrics.json",
        "max-length-tokens": 64,
        "max-query-tokens": 16,
    }
    flags = paths | {name.replace("_", "-"): value for name, value in flags.items()}
    pairs = [(f"--{name}", str(value)) for name, value in flags.items()]
    return [sys.executable, "-m", "components.finetune", *sum(pairs, ())]


def run(squad: Path, pretrained: Path, output: Path, **flags) -> subprocess.CompletedProcess:
    return subprocess.run(
        command(squad, pretrained, output, **flags),
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST_SECONDS,
    )


def export(checkpoint: Path, output: Path) -> subprocess.CompletedProcess:
    """Write it for transformers."""
    flags = ["--checkpoint", str(checkpoint), "--output", str(output)]
    return subprocess.run(
        [sys.executable, "-m", "components.finetune", "export", *flags],
        capture_output=True,
        text=True,
        check=False,
    )


def losses(output: Path) -> list[tuple[int, float]]:
    entries = History.read(output / "history.jsonl").entries
    return [(entry["step"], entry["loss"]) for entry in entries]


def expect_equal_weights(left: Path, right: Path) -> None:
    """Bit for bit, in the checkpoints of two outputs."""
    readers = [
        tf.train.load_checkpoint(str(output / "checkpoint" / "bert_model.ckpt"))
        for output in (left, right)
    ]
    names = [reader.get_variable_to_shape_map().keys() for reader in readers]
    assert names[0] == names[1]
    for name in names[0]:
        np.testing.assert_array_equal(*[reader.get_tensor(name) for reader in readers])


@pytest.mark.slow
def test_two_processes_learn_what_one_learns(squad, pretrained, straight, tmp_path):
    """The same batches in the same order; the loss falls well under that of a guess, ln 18."""
    done = run(squad, pretrained, tmp_path / "out", **SETTINGS, num_processes=2)

    assert done.returncode == 0, done.stderr
    first, *_, last = losses(straight)
    assert first[1] > 2
    assert last[1] < 1.5
    np.testing.assert_allclose(losses(tmp_path / "out"), losses(straight), rtol=1e-2)
    checkpoint = Checkpoint.read(tmp_path / "out" / "checkpoint")
    model = SpanModel(checkpoint.config, seed=1)
    model.build()
    restore(checkpoint.folder, named_variables(model))


@pytest.mark.slow
def test_windows_longer_than_the_models_positions_are_rejected(squad, pretrained, tmp_path):
    """One line that names both numbers."""
    done = run(squad, pretrained, tmp_path / "out", max_length_tokens=128)

    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        "finetune: error: max_length_tokens 128 is more than the model's "
        "max_position_embeddings 64; lower it to that or less"
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
    exported = export(output / "checkpoint", output / "exported")
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


@pytest.mark.slow
def test_hugging_faces_folder_is_fine_tuned(squad, pretrained, straight, tmp_path):
    """config.json, model.safetensors and vocab.txt alone: as from this project's own folder."""
    folder = tmp_path / "huggingface"
    assert export(pretrained, folder).returncode == 0
    (folder / "tokenizer_config.json").unlink()

    done = run(squad, folder, tmp_path / "out", **SETTINGS)

    assert done.returncode == 0, done.stderr
    assert (
        "new, with random weights: cls/squad/output_weights, cls/squad/output_bias" in done.stderr
    )
    expect_equal_weights(tmp_path / "out", straight)
    fields = json.loads((folder / "config.json").read_text("utf-8")) | {"num_hidden_layers": 2}
    (folder / "config.json").write_text(json.dumps(fields), encoding="utf-8")

    refused = run(squad, folder, tmp_path / "refused", **SETTINGS)

    assert refused.returncode == 2
    assert "bert/encoder/layer_1/intermediate/dense/kernel: missing" in refused.stderr
    assert not (tmp_path / "refused").exists()


@pytest.mark.slow
def test_a_killed_training_ends_as_if_it_had_not_been(squad, pretrained, straight, tmp_path):
    """Kill -9 between two lines of the history; the step restarts it: losses and weights."""
    states = tmp_path / "checkpoint-steps"
    with subprocess.Popen(
        command(squad, pretrained, tmp_path, **SETTINGS),
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
    expect_equal_weights(tmp_path, straight)
    assert not states.exists()


def test_a_malformed_file_is_rejected_and_nothing_written(squad, tmp_path):
    """An answer without a text: before any model is loaded."""
    document = json.loads((squad / "train.json").read_text("utf-8"))
    answer = document["data"][0]["paragraphs"][3]["qas"][0]["answers"][0]
    del answer["text"]
    (tmp_path / "train.json").write_text(json.dumps(document), encoding="utf-8")
    outputs = {
        name: tmp_path / "out" / name for name in ("checkpoint", "history", "finetune_metrics")
    }
    config = FinetuneConfig(squad=tmp_path, initial_checkpoint=tmp_path / "none", **outputs)

    with pytest.raises(InputError, match=r"paragraphs\[3\].qas\[0\].answers\[0\]"):
        finetune(config)

    assert not (tmp_path / "out").exists()


def test_a_folder_that_holds_something_else_is_not_replaced(squad, tmp_path):
    """A checkpoint goes to one of its own: before anything is read."""
    outputs = {name: tmp_path / name for name in ("history", "finetune_metrics")}
    config = FinetuneConfig(
        squad=squad, initial_checkpoint=tmp_path / "none", checkpoint=squad, **outputs
    )

    with pytest.raises(InputError, match=r"holds train\.json and no checkpoint\.json"):
        finetune(config)

    assert (squad / "train.json").exists()


@pytest.mark.parametrize("name", ["history", "finetune_metrics"])
def test_an_output_that_cannot_be_written_is_found_before_the_training(squad, tmp_path, name):
    """A folder stands there."""
    outputs = {
        output: tmp_path / output for output in ("checkpoint", "history", "finetune_metrics")
    }
    outputs[name].mkdir()
    config = FinetuneConfig(squad=squad, initial_checkpoint=tmp_path / "none", **outputs)

    with pytest.raises(InputError, match=f"{name}: is a folder already, where a file is to be"):
        finetune(config)


@pytest.mark.slow
def test_whatever_a_question_holds_is_trained_on(squad, pretrained, tmp_path):
    """50,000 words, no question, emoji, right-to-left text, an answer that is nowhere."""
    strange = [
        ("word1 " * 49_999 + "word2", "where is word2 ?", "word2"),
        ("word3 word4", "", "word4"),
        ("word5 😀 👩‍🚀 word6", "where is 😀 ?", "😀"),
        ("שלום עולם word7", "איפה עולם ?", "עולם"),
        ("word8 word9", "where is word10 ?", "word10"),
    ]
    document = json.loads((squad / "train.json").read_text("utf-8"))
    for index, (context, question, answer) in enumerate(strange):
        answers = [{"text": answer, "answer_start": context.find(answer)}]
        qas = [{"id": f"strange{index}", "question": question, "answers": answers}]
        document["data"][0]["paragraphs"].append({"context": context, "qas": qas})
    (tmp_path / "train.json").write_text(json.dumps(document), encoding="utf-8")

    settings = {"num_epochs": 1, "log_every_steps": 1, "precision": "mixed_bfloat16"}
    done = run(tmp_path, pretrained, tmp_path / "out", **settings)

    assert done.returncode == 0, done.stderr
    assert "finetune: questions skipped because the answer is not in the context: 1" in done.stderr
    # Those of 64 and three, and of the 50,000 words, of which 57 fit beside the question.
    num_windows = 64 + 3 + -(-50_000 // 57)
    entries = losses(tmp_path / "out")
    assert len(entries) == num_windows // 32
    assert np.isfinite([loss for _, loss in entries]).all()
