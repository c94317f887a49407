"""Exported checkpoints: transformers loads them and gives what this project's models give."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import horovod.tensorflow as hvd
import keras
import numpy as np
import pytest

from components.shared.bert.config import BertConfig
from components.shared.bert.heads import ClassifierModel, PretrainingModel, SpanModel
from components.shared.checkpoints.checkpoint import Checkpoint, named_variables, write_checkpoint
from components.shared.checkpoints.huggingface import read_labels
from components.shared.checkpoints.huggingface_export import ExportConfig, export
from components.shared.checkpoints.warm_start import start_from
from components.shared.errors import InputError
from components.shared.tokens.tokenization import Tokenization
from components.shared.tokens.tokenizer import WordPieceTokenizer

PIECES = [
    *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "cat", "##s", "sat", "on", "ma", "##t"),
    *(".", ",", "'", "東", "京", "uber"),
]
TEXTS = ["The cats sat on the mat.", "Über, 東京 the' cat", "  THE\tmat. unknownword ", ""]
CONFIG = BertConfig(
    vocab_size=len(PIECES),
    hidden_size=32,
    num_hidden_layers=3,
    num_attention_heads=4,
    intermediate_size=64,
    max_position_embeddings=24,
)
HUGGINGFACE = Path(__file__).parents[3] / "huggingface"


LABELS = ("no", "perhaps", "שלום")


def build(model_class, seed=1, **settings):
    hvd.init()
    keras.utils.set_random_seed(seed)
    keras.config.set_dtype_policy("float32")
    model = model_class(CONFIG, seed=seed, **settings)
    model.build()
    generator = np.random.default_rng(seed)
    for variable in named_variables(model).values():
        # Wide enough that a wrong GELU or a transposed matrix shows.
        variable.assign(variable + generator.normal(scale=0.3, size=variable.shape))
    return model


@pytest.fixture
def vocabulary(tmp_path) -> Path:
    path = tmp_path / "vocab.txt"
    path.write_text("\n".join(PIECES) + "\n", encoding="utf-8")
    return path


def write_and_export(model, vocabulary, folder, labels=None) -> Path:
    checkpoint = folder / "checkpoint"
    write_checkpoint(
        checkpoint,
        model=model,
        vocabulary=vocabulary,
        tokenization=Tokenization(lowercase=True),
        step=9,
        labels=labels,
    )
    export(ExportConfig(checkpoint=checkpoint, output=folder / "exported"))
    return folder / "exported"


@pytest.mark.slow
def test_transformers_gives_equal_outputs_and_equal_ids(tmp_path, vocabulary):
    """To 1e-4, padding included; and what transformers saves starts a training here."""
    python = HUGGINGFACE / ".venv" / "bin" / "python"
    if not python.exists():
        assert os.environ.get("CI") != "true", "make huggingface was not run"
        pytest.skip("PyTorch is not set up: `make huggingface` does, with 4 GB")
    pretraining, span = build(PretrainingModel), build(SpanModel, seed=2)
    classifier = build(ClassifierModel, seed=3, num_labels=3)
    generator = np.random.default_rng(3)
    token_ids = generator.integers(5, CONFIG.vocab_size, size=(2, 12)).astype(np.int32)
    token_ids[1, 9:] = 0
    segment_ids = (np.arange(12)[None] > [[4], [6]]).astype(np.int32) * (token_ids != 0)
    positions = np.broadcast_to(np.arange(12, dtype=np.int32), (2, 12))
    np.savez(
        tmp_path / "inputs.npz",
        pretraining=str(write_and_export(pretraining, vocabulary, tmp_path / "pretraining")),
        span=str(write_and_export(span, vocabulary, tmp_path / "span")),
        classifier=str(write_and_export(classifier, vocabulary, tmp_path / "classifier", LABELS)),
        token_ids=token_ids,
        segment_ids=segment_ids,
        texts=TEXTS,
        saved=str(tmp_path / "saved"),
    )

    done = subprocess.run(
        [python, HUGGINGFACE / "outputs.py", tmp_path / "inputs.npz", tmp_path / "outputs.npz"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    theirs = np.load(tmp_path / "outputs.npz")
    batch = {
        "token_ids": token_ids,
        "segment_ids": segment_ids.astype(np.int32),
        "position_ids": positions,
        "sequence_ids": (token_ids != 0).astype(np.int32),
        "masked_positions": positions,
        "cls_positions": np.zeros((2, 1), np.int32),
    }
    piece_logits, next_logits = pretraining(batch)
    start_logits, end_logits = span(batch)
    real = token_ids != 0
    ours = {
        "piece_logits": np.reshape(piece_logits, (2, 12, -1)),
        "start_logits": start_logits,
        "end_logits": end_logits,
        "hidden": pretraining.bert(
            token_ids, batch["segment_ids"], positions, batch["sequence_ids"]
        ),
    }
    for name, value in ours.items():
        np.testing.assert_allclose(np.array(value)[real], theirs[name][real], atol=1e-4)
    np.testing.assert_allclose(next_logits, theirs["next_logits"], atol=1e-4)
    np.testing.assert_allclose(classifier(batch), theirs["label_logits"], atol=1e-4)
    assert list(json.loads(str(theirs["labels"])).values()) == list(LABELS)
    tokenizer = WordPieceTokenizer(
        Checkpoint.read(tmp_path / "span/checkpoint").vocabulary, lowercase=True
    )
    assert json.loads(str(theirs["ids"])) == tokenizer.encode_batch(TEXTS)
    assert json.loads(str(theirs["left"])) == []

    shutil.copyfile(vocabulary, tmp_path / "saved" / "vocab.txt")
    again = build(PretrainingModel, seed=4)
    start_from(Checkpoint.read(tmp_path / "saved"), again)
    for name, variable in named_variables(again).items():
        np.testing.assert_array_equal(variable.numpy(), named_variables(pretraining)[name].numpy())


def test_an_exported_model_starts_a_training(tmp_path, vocabulary):
    """All weights under Google's names again, and the same architecture."""
    model = build(PretrainingModel)
    exported = write_and_export(model, vocabulary, tmp_path)
    again = build(PretrainingModel, seed=2)

    checkpoint = Checkpoint.read(exported)
    start_from(checkpoint, again)

    assert checkpoint.config == CONFIG
    assert checkpoint.tokenization.lowercase is True
    for name, variable in named_variables(again).items():
        np.testing.assert_array_equal(variable.numpy(), named_variables(model)[name].numpy())


def test_an_exported_classifier_is_gone_on_with(tmp_path, vocabulary):
    """Its labels and its head come back; the head only where the labels are the same."""
    model = build(ClassifierModel, num_labels=3)
    exported = write_and_export(model, vocabulary, tmp_path, LABELS)
    checkpoint = Checkpoint.read(exported)
    same, other = (build(ClassifierModel, seed=2, num_labels=3) for _ in range(2))
    fresh = other.output_weights.numpy()

    start_from(checkpoint, same, labels=LABELS)
    start_from(checkpoint, other, labels=("0", "1", "2"))

    assert checkpoint.labels == LABELS
    np.testing.assert_array_equal(same.output_weights.numpy(), model.output_weights.numpy())
    np.testing.assert_array_equal(other.output_weights.numpy(), fresh)
    for started in (same, other):
        expected = model.bert.pooler.kernel.numpy()
        np.testing.assert_array_equal(started.bert.pooler.kernel.numpy(), expected)


@pytest.mark.parametrize(
    ("fields", "labels"),
    [
        ({"architectures": ["BertForSequenceClassification"]}, ("LABEL_0", "LABEL_1")),
        ({"architectures": ["BertForQuestionAnswering"], "id2label": {"0": "a"}}, None),
        ({}, None),
    ],
)
def test_only_a_classifier_has_labels(tmp_path, fields, labels):
    """transformers leaves its default ones out, and writes some for other models."""
    (tmp_path / "config.json").write_text(json.dumps(fields), encoding="utf-8")

    assert read_labels(tmp_path / "config.json") == labels


def test_the_command_exports(tmp_path, vocabulary):
    """As a person calls it; the state of the training stays behind."""
    checkpoint = tmp_path / "checkpoint"
    write_checkpoint(
        checkpoint,
        model=build(PretrainingModel),
        vocabulary=vocabulary,
        tokenization=Tokenization(lowercase=True),
        step=9,
    )
    command = [sys.executable, "-m", "components.pretrain", "export"]
    flags = ["--checkpoint", str(checkpoint), "--output", str(tmp_path / "exported")]

    done = subprocess.run([*command, *flags], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert {path.name for path in (tmp_path / "exported").iterdir()} == {
        "config.json", "model.safetensors", "vocab.txt", "tokenizer_config.json"
    }  # fmt: skip


def test_a_folder_of_something_else_is_not_replaced(tmp_path, vocabulary):
    """Exporting into the home folder, say."""
    (tmp_path / "home").mkdir()
    checkpoint = tmp_path / "checkpoint"
    write_checkpoint(
        checkpoint,
        model=build(PretrainingModel),
        vocabulary=vocabulary,
        tokenization=Tokenization(lowercase=True),
    )

    with pytest.raises(InputError, match="exists already and is not an exported model"):
        export(ExportConfig(checkpoint=checkpoint, output=tmp_path / "home"))


def test_another_kind_of_model_is_rejected(tmp_path, vocabulary):
    """A RoBERTa has the same shape of files."""
    exported = write_and_export(build(PretrainingModel), vocabulary, tmp_path)
    fields = json.loads((exported / "config.json").read_text("utf-8"))
    (exported / "config.json").write_text(json.dumps({**fields, "model_type": "roberta"}))

    with pytest.raises(InputError, match='model_type must be bert, got "roberta"'):
        Checkpoint.read(exported)
