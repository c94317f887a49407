"""Checkpoints as google-research/bert writes them: its files, its variable names.

A folder holds `bert_model.ckpt.*` (TensorFlow's tensor bundle), `bert_config.json`,
`vocab.txt`, `tokenizer_config.json` (whether text is lower-cased) and, last,
`checkpoint.json` with each file's SHA-256. The state of a training run adds the
optimiser's moments (`<variable>/adam_m`, `/adam_v`, as Google's and NVIDIA's) and
`global_step`.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from components.shared.bert.config import BertConfig
from components.shared.bert.heads import PretrainingModel, SpanModel
from components.shared.errors import InputError
from components.shared.files import sha256, whole_folder
from components.shared.vocabulary import Vocabulary

_BUNDLE = "bert_model.ckpt"
MANIFEST = "checkpoint.json"
_MOMENT_SUFFIXES = ("adam_m", "adam_v")
_STEP = "global_step"
_ITERATIONS = "optimizer_iterations"


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint folder says of its model, without the weights."""

    folder: Path
    config: BertConfig
    vocabulary: Vocabulary
    lowercase: bool

    @classmethod
    def read(cls, folder: Path) -> "Checkpoint":
        """Read a folder of this project's or one of Google's.

        Raises:
            InputError: if a file is missing or broken.
        """
        if not (folder / f"{_BUNDLE}.index").exists():
            raise InputError(
                f"{folder}: no {_BUNDLE}.index in it; a checkpoint is a folder with {_BUNDLE}.*, "
                "bert_config.json and vocab.txt"
            )
        check_files(folder)
        tokenizer = folder / "tokenizer_config.json"
        fields = json.loads(tokenizer.read_text("utf-8")) if tokenizer.exists() else {}
        return cls(
            folder,
            BertConfig.read(folder / "bert_config.json"),
            Vocabulary.read(folder / "vocab.txt"),
            # Google's folders don't say; its uncased models are the usual ones.
            lowercase=fields.get("do_lower_case", True),
        )


def named_variables(model: PretrainingModel | SpanModel) -> dict[str, keras.Variable]:
    """All weights of a model under Google's names."""
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
    layers["bert/pooler/dense"] = bert.pooler
    if isinstance(model, PretrainingModel):
        layers["cls/predictions/transform/dense"] = model.transform
        layers["cls/predictions/transform/LayerNorm"] = model.transform_norm
        names["cls/predictions/output_bias"] = model.output_bias
        names["cls/seq_relationship/output_weights"] = model.next_sentence_weights
        names["cls/seq_relationship/output_bias"] = model.next_sentence_bias
    else:
        names["cls/squad/output_weights"] = model.output_weights
        names["cls/squad/output_bias"] = model.output_bias
    for prefix, layer in layers.items():
        for variable in layer.variables:
            names[f"{prefix}/{variable.name}"] = variable
    return names


def snapshot(
    model: PretrainingModel | SpanModel,
    *,
    optimizer: keras.optimizers.Optimizer | None = None,
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
    model: PretrainingModel | SpanModel,
    vocabulary: Path,
    lowercase: bool,
    step: int | None = None,
) -> None:
    """Write a model's checkpoint folder, whole or not at all; `step` are the updates done."""
    write_snapshot(
        folder,
        tensors=snapshot(model, step=step),
        config=model.bert.config,
        vocabulary=vocabulary,
        lowercase=lowercase,
    )


def write_snapshot(
    folder: Path,
    *,
    tensors: Mapping[str, np.ndarray],
    config: BertConfig,
    vocabulary: Path,
    lowercase: bool,
    more: Mapping[str, str] | None = None,
) -> None:
    """Write a checkpoint folder, whole or not at all.

    Args:
        folder: where; a checkpoint that was there is replaced.
        tensors: from `snapshot`.
        config: of the model.
        vocabulary: the vocab.txt to put beside them.
        lowercase: whether text is lower-cased before it is tokenised.
        more: further text files, by name.
    """
    step = int(tensors[_STEP]) if _STEP in tensors else None
    with whole_folder(folder) as scratch:
        tf.raw_ops.SaveV2(
            prefix=str(scratch / _BUNDLE),
            tensor_names=list(tensors),
            shape_and_slices=[""] * len(tensors),
            tensors=list(tensors.values()),
        )
        shutil.copyfile(vocabulary, scratch / "vocab.txt")
        texts = {
            "bert_config.json": config.to_json(),
            "tokenizer_config.json": json.dumps({"do_lower_case": lowercase}) + "\n",
            **(more or {}),
        }
        for name, text in texts.items():
            (scratch / name).write_text(text, encoding="utf-8")
        checksums = {path.name: sha256(path) for path in sorted(scratch.iterdir())}
        manifest = json.dumps({"step": step, "sha256": checksums}, indent=2)
        (scratch / MANIFEST).write_text(manifest + "\n", encoding="utf-8")


def check_files(folder: Path, *, has_manifest: bool = False) -> None:
    """Compare a folder's files with its checkpoint.json.

    Args:
        folder: a checkpoint.
        has_manifest: whether there must be a checkpoint.json; Google's folders have none.

    Raises:
        InputError: naming the first file that is missing or altered.
    """
    manifest = folder / MANIFEST
    if not manifest.exists() and not has_manifest:
        return
    try:
        checksums = json.loads(manifest.read_text("utf-8"))["sha256"]
    except (FileNotFoundError, ValueError, KeyError):
        raise InputError(
            f"{manifest}: missing or broken; take another checkpoint or write this one again"
        ) from None
    for name, expected in checksums.items():
        path = folder / name
        if not path.exists() or sha256(path) != expected:
            state = "altered or cut short" if path.exists() else "missing"
            raise InputError(f"{path}: {state}; take another checkpoint or write this one again")


def restore(folder: Path, variables: Mapping[str, keras.Variable]) -> None:
    """Give variables the values that a checkpoint has under their names.

    Raises:
        InputError: listing every variable that is missing or has another shape.
    """
    reader = tf.train.load_checkpoint(str(folder / _BUNDLE))
    shapes = reader.get_variable_to_shape_map()
    problems = []
    for name, variable in variables.items():
        if name not in shapes:
            problems.append(f"{name}: missing")
        elif tuple(shapes[name]) != tuple(variable.shape):
            problems.append(f"{name}: shape {shapes[name]}, the model's is {list(variable.shape)}")
    if problems:
        raise InputError(
            f"{folder}: does not fit the model:\n  " + "\n  ".join(problems) + "\n"
            "take a checkpoint of the same architecture and vocabulary"
        )
    for name, variable in variables.items():
        variable.assign(reader.get_tensor(name))


def encoder_variables(model: PretrainingModel | SpanModel) -> dict[str, keras.Variable]:
    """The weights that pretraining and every task share."""
    named = named_variables(model)
    return {name: variable for name, variable in named.items() if name.startswith("bert/")}


def restore_training(
    folder: Path, model: PretrainingModel | SpanModel, optimizer: keras.optimizers.Optimizer
) -> int:
    """Restore weights and optimiser of a run that was not finished; return its updates."""
    restore(folder, {**named_variables(model), **_moments(model, optimizer)})
    bundle = str(folder / _BUNDLE)
    optimizer.iterations.assign(tf.train.load_variable(bundle, _ITERATIONS))
    return int(tf.train.load_variable(bundle, _STEP))


def _moments(
    model: PretrainingModel | SpanModel, optimizer: keras.optimizers.Optimizer
) -> dict[str, keras.Variable]:
    slots = (optimizer._momentums, optimizer._velocities)
    return {
        f"{name}/{suffix}": moments[optimizer._get_variable_index(variable)]
        for name, variable in named_variables(model).items()
        if variable.trainable
        for suffix, moments in zip(_MOMENT_SUFFIXES, slots, strict=True)
    }
