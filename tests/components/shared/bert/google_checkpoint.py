"""Makes checkpoints as google-research/bert does: a TensorFlow 1 graph and its Saver."""

import json
from pathlib import Path

import numpy as np
import tensorflow as tf

from components.shared.bert.config import BertConfig

tf1 = tf.compat.v1


def shapes(config: BertConfig) -> dict[str, tuple[int, ...]]:
    """The variables of Google's pretraining graph (modeling.py, run_pretraining.py)."""
    width, inner = config.hidden_size, config.intermediate_size
    found = {
        "bert/embeddings/word_embeddings": (config.vocab_size, width),
        "bert/embeddings/token_type_embeddings": (config.type_vocab_size, width),
        "bert/embeddings/position_embeddings": (config.max_position_embeddings, width),
        "cls/predictions/output_bias": (config.vocab_size,),
        "cls/seq_relationship/output_weights": (2, width),
        "cls/seq_relationship/output_bias": (2,),
    }
    dense = {"bert/pooler/dense": (width, width), "cls/predictions/transform/dense": (width, width)}
    norms = ["bert/embeddings/LayerNorm", "cls/predictions/transform/LayerNorm"]
    for index in range(config.num_hidden_layers):
        layer = f"bert/encoder/layer_{index}"
        for name in ("self/query", "self/key", "self/value", "output/dense"):
            dense[f"{layer}/attention/{name}"] = (width, width)
        dense |= {f"{layer}/intermediate/dense": (width, inner)}
        dense |= {f"{layer}/output/dense": (inner, width)}
        norms += [f"{layer}/attention/output/LayerNorm", f"{layer}/output/LayerNorm"]
    for name, shape in dense.items():
        found |= {f"{name}/kernel": shape, f"{name}/bias": shape[1:]}
    for name in norms:
        found |= {f"{name}/gamma": (width,), f"{name}/beta": (width,)}
    return found


def write(
    folder: Path,
    config: BertConfig,
    vocabulary: Path,
    *,
    without: str = "",
    more: dict[str, tuple[int, ...]] | None = None,
    version: int = tf1.train.SaverDef.V2,
) -> dict[str, np.ndarray]:
    """Save such a graph, with the optimizer's slots, and return the weights.

    `without` leaves a variable out, `more` adds some or changes their shape.
    """
    folder.mkdir(parents=True)
    generator = np.random.default_rng(5)
    wanted = {**shapes(config), **(more or {})}
    wanted.pop(without, None)
    values = {
        name: generator.normal(scale=0.1, size=shape).astype(np.float32)
        for name, shape in wanted.items()
    }
    with tf.Graph().as_default(), tf1.Session() as session:
        for name, value in values.items():
            tf1.get_variable(name, initializer=value, use_resource=False)
            for slot in ("adam_m", "adam_v"):
                zeros = np.zeros_like(value)
                tf1.get_variable(f"{name}/{slot}", initializer=zeros, use_resource=False)
        tf1.train.create_global_step()
        session.run(tf1.global_variables_initializer())
        tf1.train.Saver(write_version=version).save(session, str(folder / "bert_model.ckpt"))
    (folder / "checkpoint").unlink()  # not in Google's archives
    fields = {**config.fields(), "directionality": "bidi", "pooler_type": "first_token_transform"}
    (folder / "bert_config.json").write_text(json.dumps(fields), encoding="utf-8")
    (folder / "vocab.txt").write_bytes(vocabulary.read_bytes())
    return values


def read(folder: Path, names: list[str]) -> dict[str, np.ndarray]:
    """Restore variables of a checkpoint into a TensorFlow 1 graph with its Saver."""
    reader = tf1.train.NewCheckpointReader(str(folder / "bert_model.ckpt"))
    known = reader.get_variable_to_shape_map()
    with tf.Graph().as_default(), tf1.Session() as session:
        variables = {
            name: tf1.get_variable(name, shape=known[name], use_resource=False) for name in names
        }
        tf1.train.Saver(variables).restore(session, str(folder / "bert_model.ckpt"))
        return dict(session.run(variables))
