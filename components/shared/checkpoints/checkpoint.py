"""Checkpoints as google-research/bert writes them: its files, its variable names.

A folder holds `bert_model.ckpt.*` (TensorFlow's tensor bundle), `bert_config.json`,
`vocab.txt`, `tokenizer_config.json` (whether text is lower-cased), a classifier's `labels.json`,
`lineage.json` (how it came to be) and, last, `checkpoint.json` with each file's SHA-256. The
state of a training run adds the optimizer's moments (`<variable>/adam_m`, `/adam_v`, as Google's
and NVIDIA's) and `global_step`.

Free of TensorFlow until variables are written or restored: the server only reads.
"""

import errno
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from components.shared.bert.config import BertConfig
from components.shared.checkpoints import huggingface
from components.shared.checkpoints.checkpoint_manifest import (
    check_files,
    has_random_weights,
    write_descriptions,
    write_manifest,
)
from components.shared.checkpoints.description import (
    LABELS,
    Description,
    read_description,
)
from components.shared.checkpoints.lineage import LINEAGE
from components.shared.checkpoints.weights import (
    BUNDLE,
    Weights,
    find_bundle,
    open_weights,
    read_finite,
)
from components.shared.errors import DivergedError, InputError
from components.shared.files.atomic import whole_folder
from components.shared.tokens.tokenization import Tokenization

if TYPE_CHECKING:
    import keras

    from components.shared.bert.heads import Model

ENCODER = "bert/"
"""What the names of the encoder's variables begin with; the others are of heads."""
POOLER_SCOPE = "bert/pooler/"
_MOMENT_SUFFIXES = ("adam_m", "adam_v")
_STEP = "global_step"
_ITERATIONS = "optimizer_iterations"
# What Google's, NVIDIA's and this project's trainings keep beside the weights.
_STATE_SUFFIXES = (*_MOMENT_SUFFIXES, "accum")
_STATE_NAMES = (_STEP, _ITERATIONS, "local_step", "batch_finite")


@dataclass(frozen=True)
class Checkpoint(Description):
    """What a checkpoint folder says of its model, without the weights."""

    has_weights: bool
    """Whether there are weights yet; where not, a training draws them."""
    has_pooler: bool
    """Models for masked language modeling or answers alone may have none."""

    @classmethod
    def read(cls, folder: Path, *, may_be_untrained: bool = False) -> "Checkpoint":
        """Read a folder of this project's, of Google's or of transformers'.

        Args:
            folder: the checkpoint.
            may_be_untrained: whether one without weights, as ingest writes it, will do.

        Raises:
            InputError: if a file is missing or broken, the vocabulary is not the model's, or
                the weights are of another architecture.
        """
        if not folder.is_dir():
            raise InputError(f"{folder}: no such folder; a checkpoint is a folder")
        is_untrained = may_be_untrained and has_random_weights(folder)
        if not huggingface.is_in(folder):
            if not is_untrained:
                find_bundle(folder)
            check_files(folder)
        described = vars(read_description(folder))
        if is_untrained:
            return cls(**described, has_weights=False, has_pooler=True)
        shapes = open_weights(folder).shapes
        _expect_architecture(shapes, described["config"], folder)
        return cls(
            **described,
            has_weights=True,
            has_pooler=any(name.startswith(POOLER_SCOPE) for name in shapes),
        )


def _expect_architecture(
    shapes: Mapping[str, tuple[int, ...]], config: BertConfig, folder: Path
) -> None:
    """Compare the largest weights with the config, before a model of its size is made.

    Raises:
        InputError: if a table has other rows or columns than the config says.
    """
    table_to_rows = {
        "word_embeddings": config.vocab_size,
        "position_embeddings": config.max_position_embeddings,
        "token_type_embeddings": config.type_vocab_size,
    }
    expected = {
        f"{ENCODER}embeddings/{table}": (rows, config.hidden_size)
        for table, rows in table_to_rows.items()
    }
    for index in range(min(config.num_hidden_layers, len(shapes) + 1)):
        name = f"{ENCODER}encoder/layer_{index}/intermediate/dense/kernel"
        expected[name] = (config.hidden_size, config.intermediate_size)
    problems = [
        f"{name}: shape {list(shapes[name])}, its config says {list(shape)}"
        if name in shapes
        else f"{name}: missing"
        for name, shape in expected.items()
        if shapes.get(name) != shape
    ]
    expect_no_problems(folder, problems)


def is_training_state(name: str) -> bool:
    """Whether a tensor is not a weight but belongs to the training that made it."""
    return name in _STATE_NAMES or name.rpartition("/")[2] in _STATE_SUFFIXES


def named_variables(model: "Model") -> "dict[str, keras.Variable]":
    """All weights of a model under Google's names."""
    from components.shared.bert.heads import ClassifierModel, PretrainingModel

    bert = model.bert
    names = {
        f"bert/embeddings/{name}": getattr(bert.embeddings, name)
        for name in ("word_embeddings", "token_type_embeddings", "position_embeddings")
    }
    layers = {"bert/embeddings/LayerNorm": bert.embeddings.layer_norm}
    for index, layer in enumerate(bert.encoder_layers):
        prefix = f"bert/encoder/layer_{index}"
        layers |= {
            f"{prefix}/attention/self/query": layer.query,
            f"{prefix}/attention/self/key": layer.key,
            f"{prefix}/attention/self/value": layer.value,
            f"{prefix}/attention/output/dense": layer.attention_output,
            f"{prefix}/attention/output/LayerNorm": layer.attention_norm,
            f"{prefix}/intermediate/dense": layer.intermediate,
            f"{prefix}/output/dense": layer.output_dense,
            f"{prefix}/output/LayerNorm": layer.output_norm,
        }
    if bert.pooler is not None:
        layers[f"{POOLER_SCOPE}dense"] = bert.pooler
    if isinstance(model, PretrainingModel):
        layers["cls/predictions/transform/dense"] = model.transform
        layers["cls/predictions/transform/LayerNorm"] = model.transform_norm
        names["cls/predictions/output_bias"] = model.output_bias
        names["cls/seq_relationship/output_weights"] = model.next_sentence_weights
        names["cls/seq_relationship/output_bias"] = model.next_sentence_bias
    else:
        # Google's run_classifier has its head beside the encoder's scope, run_squad in one.
        scope = "" if isinstance(model, ClassifierModel) else "cls/squad/"
        names[f"{scope}output_weights"] = model.output_weights
        names[f"{scope}output_bias"] = model.output_bias
    for prefix, layer in layers.items():
        for variable in layer.variables:
            names[f"{prefix}/{variable.name}"] = variable
    return names


def snapshot(
    model: "Model",
    *,
    optimizer: "keras.optimizers.Optimizer | None" = None,
    step: int | None = None,
) -> dict[str, np.ndarray]:
    """Copy what a checkpoint holds, by name, so that it can be written while training goes on.

    Args:
        model: its weights.
        optimizer: with its moments, to go on training.
        step: updates done.
    """
    variables = named_variables(model)
    if optimizer is not None:
        variables |= _moments(model, optimizer)
    tensors = {name: variable.value.numpy() for name, variable in variables.items()}
    if optimizer is not None:
        # Fewer than the steps where float16 had some skipped.
        tensors[_ITERATIONS] = np.array(optimizer.iterations.numpy(), np.int64)
    if step is not None:
        tensors[_STEP] = np.array(step, np.int64)
    return tensors


def write_checkpoint(
    folder: Path,
    *,
    model: "Model",
    vocabulary: Path,
    tokenization: Tokenization,
    step: int | None = None,
    labels: Sequence[str] | None = None,
    lineage: str = "",
) -> None:
    """Write a model's checkpoint folder, whole or not at all.

    Args:
        folder: where; a checkpoint that was there is replaced.
        model: its weights.
        vocabulary: the vocab.txt to put beside them.
        tokenization: how text becomes words.
        step: the updates done.
        labels: a classifier's, in the order of its outputs; a single one of a model that gives
            a number.
        lineage: the text of its lineage.json; "" for none.
    """
    more = {} if labels is None else {LABELS: json.dumps(labels, ensure_ascii=False) + "\n"}
    more |= {LINEAGE: lineage} if lineage else {}
    write_snapshot(
        folder,
        tensors=snapshot(model, step=step),
        config=model.bert.config,
        vocabulary=vocabulary,
        tokenization=tokenization,
        more=more,
    )


def write_snapshot(
    folder: Path,
    *,
    tensors: Mapping[str, np.ndarray],
    config: BertConfig,
    vocabulary: Path,
    tokenization: Tokenization,
    more: Mapping[str, str] | None = None,
) -> None:
    """Write a checkpoint folder, whole or not at all.

    Args:
        folder: where; a checkpoint that was there is replaced.
        tensors: from `snapshot`.
        config: of the model.
        vocabulary: the vocab.txt to put beside them.
        tokenization: how text becomes words.
        more: further text files, by name.

    Raises:
        DivergedError: if a tensor holds NaN or infinity, which no training resumes from.
    """
    step = int(tensors[_STEP]) if _STEP in tensors else None
    when = "" if step is None else f" after step {step}"
    for name, values in tensors.items():
        if not np.isfinite(values).all():
            raise DivergedError(
                f"{name} holds NaN or infinity{when}, which is not saved; try a smaller "
                "learning_rate, a larger warmup_rate, or precision float32"
            )
    with whole_folder(folder) as scratch:
        _write_bundle(scratch / BUNDLE, tensors)
        write_descriptions(scratch, config, vocabulary, tokenization)
        for name, text in (more or {}).items():
            (scratch / name).write_text(text, encoding="utf-8")
        write_manifest(scratch, step=step)


def _write_bundle(prefix: Path, tensors: Mapping[str, np.ndarray]) -> None:
    import tensorflow as tf

    try:
        tf.raw_ops.SaveV2(
            prefix=str(prefix),
            tensor_names=list(tensors),
            shape_and_slices=[""] * len(tensors),
            tensors=list(tensors.values()),
        )
    except tf.errors.ResourceExhaustedError as error:  # TensorFlow's for a full disk
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(prefix)) from error


def restore(folder: Path, variables: "Mapping[str, keras.Variable]") -> None:
    """Give variables the values that a checkpoint has under their names.

    Raises:
        InputError: listing every variable that is missing or has another shape.
    """
    weights = open_weights(folder)
    expect_no_problems(folder, find_misfits(weights, shapes_of(variables)))
    for name, variable in variables.items():
        variable.assign(read_finite(weights, name, folder))


def shapes_of(variables: "Mapping[str, keras.Variable]") -> dict[str, tuple[int, ...]]:
    """Return the shapes of variables by their names."""
    return {name: tuple(variable.shape) for name, variable in variables.items()}


def find_misfits(weights: Weights, shapes: Mapping[str, tuple[int, ...]]) -> list[str]:
    """Say why a checkpoint lacks a model's weights: each that is missing or has another shape."""
    problems = []
    for name, expected in shapes.items():
        found = weights.shapes.get(name)
        if found is None:
            problems.append(f"{name}: missing")
        elif found != expected:
            problems.append(f"{name}: shape {list(found)}, the model's is {list(expected)}")
    return problems


def expect_no_problems(folder: Path, problems: list[str]) -> None:
    """Refuse a checkpoint that has some.

    Raises:
        InputError: listing them all.
    """
    if problems:
        remedy = "take a checkpoint of the same architecture and vocabulary"
        if not any(problem.startswith(ENCODER) for problem in problems):
            remedy = "its encoder fits: take a checkpoint that was trained for this task"
        raise InputError(
            f"{folder}: does not fit the model:\n  " + "\n  ".join(problems) + f"\n{remedy}"
        )


def restore_training(folder: Path, model: "Model", optimizer: "keras.optimizers.Optimizer") -> int:
    """Restore weights and optimizer of a run that was not finished; return its updates."""
    restore(folder, {**named_variables(model), **_moments(model, optimizer)})
    weights = open_weights(folder)
    optimizer.iterations.assign(weights.read(_ITERATIONS))
    return int(weights.read(_STEP))


def _moments(
    model: "Model", optimizer: "keras.optimizers.Optimizer"
) -> "dict[str, keras.Variable]":
    slots = (optimizer._momentums, optimizer._velocities)
    return {
        f"{name}/{suffix}": moments[optimizer._get_variable_index(variable)]
        for name, variable in named_variables(model).items()
        if variable.trainable
        for suffix, moments in zip(_MOMENT_SUFFIXES, slots, strict=True)
    }
