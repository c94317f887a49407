"""Checkpoints: Google's files and names, whole or not at all."""

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from components.shared.bert.config import BertConfig
from components.shared.bert.heads import PretrainingModel, SpanModel
from components.shared.checkpoints.checkpoint import (
    Checkpoint,
    named_variables,
    restore,
    restore_training,
    snapshot,
    write_checkpoint,
    write_snapshot,
)
from components.shared.checkpoints.checkpoint_manifest import check_files
from components.shared.errors import InputError
from components.shared.tokens.tokenization import Tokenization
from components.shared.training.optimizer import make_optimizer

CONFIG = BertConfig(
    vocab_size=6,
    hidden_size=8,
    num_hidden_layers=1,
    num_attention_heads=2,
    intermediate_size=16,
    max_position_embeddings=12,
)


def build(model_class, seed=1):
    model = model_class(CONFIG, seed=seed)
    model.build()
    generator = np.random.default_rng(seed)
    for variable in named_variables(model).values():
        variable.assign(generator.normal(size=variable.shape))
    return model


@pytest.fixture
def vocabulary(tmp_path) -> Path:
    path = tmp_path / "vocab.txt"
    path.write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nword\n", encoding="utf-8")
    return path


@pytest.fixture
def folder(tmp_path, vocabulary) -> Path:
    folder = tmp_path / "checkpoint"
    write_checkpoint(
        folder,
        model=build(PretrainingModel),
        vocabulary=vocabulary,
        tokenization=Tokenization(lowercase=False),
        step=7,
    )
    return folder


def test_the_variables_have_googles_names_and_shapes(folder):
    """As google-research/bert's own checkpoints list them, for one layer."""
    shapes = tf.train.load_checkpoint(str(folder / "bert_model.ckpt")).get_variable_to_shape_map()
    layer = "bert/encoder/layer_0"
    dense = {
        f"{layer}/attention/self/query": [8, 8],
        f"{layer}/attention/self/key": [8, 8],
        f"{layer}/attention/self/value": [8, 8],
        f"{layer}/attention/output/dense": [8, 8],
        f"{layer}/intermediate/dense": [8, 16],
        f"{layer}/output/dense": [16, 8],
        "bert/pooler/dense": [8, 8],
        "cls/predictions/transform/dense": [8, 8],
    }
    norms = [
        "bert/embeddings/LayerNorm",
        f"{layer}/attention/output/LayerNorm",
        f"{layer}/output/LayerNorm",
        "cls/predictions/transform/LayerNorm",
    ]
    expected = {
        "bert/embeddings/word_embeddings": [6, 8],
        "bert/embeddings/token_type_embeddings": [2, 8],
        "bert/embeddings/position_embeddings": [12, 8],
        "cls/predictions/output_bias": [6],
        "cls/seq_relationship/output_weights": [2, 8],
        "cls/seq_relationship/output_bias": [2],
        "global_step": [],
    }
    for name, shape in dense.items():
        expected |= {f"{name}/kernel": shape, f"{name}/bias": shape[1:]}
    for name in norms:
        expected |= {f"{name}/gamma": [8], f"{name}/beta": [8]}

    assert {name: list(shape) for name, shape in shapes.items()} == expected


def test_a_model_comes_back_as_it_was(folder):
    """Every weight, and what goes with them."""
    saved, fresh = build(PretrainingModel), build(PretrainingModel, seed=2)

    restore(folder, named_variables(fresh))
    checkpoint = Checkpoint.read(folder)

    for before, after in zip(saved.trainable_variables, fresh.trainable_variables, strict=True):
        np.testing.assert_array_equal(before.numpy(), after.numpy())
    assert checkpoint.config == CONFIG
    assert checkpoint.vocabulary.pieces[5] == "word"
    assert checkpoint.tokenization.lowercase is False


def test_all_weights_of_both_models_are_named():
    """None is forgotten in a checkpoint."""
    for model_class in (PretrainingModel, SpanModel):
        model = build(model_class)

        named = {id(variable) for variable in named_variables(model).values()}

        assert named == {id(variable) for variable in model.weights} - {
            id(model.bert.seed_generator.state)
        }


def test_every_variable_that_does_not_fit_is_listed(folder):
    """Missing ones and ones of another shape, all in one message."""
    with pytest.raises(InputError) as error:
        restore(folder, named_variables(build(SpanModel)))

    assert "cls/squad/output_weights: missing" in str(error.value)
    assert "cls/squad/output_bias: missing" in str(error.value)
    assert "its encoder fits: take a checkpoint that was trained for this task" in str(error.value)


def test_another_architecture_is_rejected_by_shape(folder):
    """The message gives both shapes."""
    wider = BertConfig(**{**CONFIG.fields(), "intermediate_size": 32})
    model = PretrainingModel(wider, seed=1)
    model.build()

    with pytest.raises(InputError, match=r"layer_0/intermediate/dense/kernel: shape \[8, 16\]"):
        restore(folder, named_variables(model))


def test_the_state_of_a_run_comes_back(tmp_path, vocabulary):
    """Weights, both moments and the number of updates."""
    model = build(PretrainingModel)
    optimizer = make_optimizer("lamb", learning_rate=0.1, num_steps=10, warmup_steps=0)
    gradients = [tf.ones(variable.shape) for variable in model.trainable_variables]
    optimizer.apply(gradients, model.trainable_variables)
    write_snapshot(
        tmp_path / "state",
        tensors=snapshot(model, optimizer=optimizer, step=1),
        config=model.bert.config,
        vocabulary=vocabulary,
        tokenization=Tokenization(lowercase=True),
    )
    again = build(PretrainingModel, seed=2)
    fresh = make_optimizer("lamb", learning_rate=0.1, num_steps=10, warmup_steps=0)
    fresh.build(again.trainable_variables)

    step = restore_training(tmp_path / "state", again, fresh)

    assert step == 1
    for before, after in zip(optimizer.variables, fresh.variables, strict=True):
        np.testing.assert_array_equal(before.numpy(), after.numpy())


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: bytes([*content[:100], content[100] ^ 1, *content[101:]]),
        lambda content: content[:-1],
    ],
    ids=["a flipped bit", "a byte less"],
)
def test_an_altered_file_is_found(folder, damage):
    """In the weights."""
    data = folder / "bert_model.ckpt.data-00000-of-00001"
    data.write_bytes(damage(data.read_bytes()))

    with pytest.raises(InputError, match="altered or cut short"):
        check_files(folder)


def test_a_folder_without_a_checkpoint_is_rejected(tmp_path):
    """The message says what a checkpoint is."""
    with pytest.raises(InputError, match=r"no bert_model\.ckpt\.index in it"):
        Checkpoint.read(tmp_path)


def test_a_vocabulary_larger_than_the_models_is_rejected(folder):
    """Another model's vocab.txt beside weights that have no manifest, as Google's have none."""
    (folder / "checkpoint.json").unlink()
    with (folder / "vocab.txt").open("a", encoding="utf-8") as file:
        file.write("another\n")

    with pytest.raises(InputError, match=r"vocab.txt: 7 word pieces, .* for vocab_size 6"):
        Checkpoint.read(folder)


def test_a_failed_write_leaves_the_old_checkpoint(folder):
    """Nothing half-written takes its place, nothing is left beside it."""
    before = json.loads((folder / "checkpoint.json").read_text("utf-8"))

    with pytest.raises(FileNotFoundError):
        write_checkpoint(
            folder,
            model=build(PretrainingModel),
            vocabulary=folder / "no such file",
            tokenization=Tokenization(lowercase=True),
        )

    assert json.loads((folder / "checkpoint.json").read_text("utf-8")) == before
    check_files(folder)
    assert [p.name for p in folder.parent.iterdir() if p.name.startswith(".")] == []
