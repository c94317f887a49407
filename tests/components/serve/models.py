"""Small models in transformers' format, made without TensorFlow."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

WORDS = "[PAD] [UNK] [CLS] [SEP] [MASK] the cat sat on mat where is home far away , ."
PIECES = [*WORDS.split(), "##s", *"abcdefghijklmnopqrstuvwxyz"]
SIZES = {
    "vocab_size": len(PIECES),
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 160,
    "type_vocab_size": 2,
}


def write_model(
    folder: Path,
    *,
    seed: int = 1,
    labels: list[str] | None = None,
    sizes: Mapping[str, int] = SIZES,
    pieces: Sequence[str] = PIECES,
) -> Path:
    """A model for answers, or for labels, with random weights."""
    folder.mkdir(parents=True)
    generator = np.random.default_rng(seed)
    width, inner = sizes["hidden_size"], sizes["intermediate_size"]
    shapes = {
        "embeddings.word_embeddings.weight": (sizes["vocab_size"], width),
        "embeddings.token_type_embeddings.weight": (2, width),
        "embeddings.position_embeddings.weight": (sizes["max_position_embeddings"], width),
        "embeddings.LayerNorm": width,
        "pooler.dense": (width, width),
    }
    for number in range(sizes["num_hidden_layers"]):
        layer = f"encoder.layer.{number}"
        shapes |= {f"{layer}.attention.self.{n}": (width, width) for n in ("query", "key", "value")}
        shapes[f"{layer}.attention.output.dense"] = (width, width)
        shapes[f"{layer}.attention.output.LayerNorm"] = width
        shapes[f"{layer}.intermediate.dense"] = (inner, width)
        shapes[f"{layer}.output.dense"] = (width, inner)
        shapes[f"{layer}.output.LayerNorm"] = width
    tensors = {}
    for name, shape in shapes.items():
        if name.endswith("_embeddings.weight"):
            tensors[f"bert.{name}"] = generator.normal(scale=0.4, size=shape)
        elif name.endswith("LayerNorm"):
            tensors[f"bert.{name}.weight"] = np.ones(shape)
            tensors[f"bert.{name}.bias"] = np.zeros(shape)
        else:
            tensors[f"bert.{name}.weight"] = generator.normal(scale=0.3, size=shape)
            tensors[f"bert.{name}.bias"] = generator.normal(scale=0.1, size=shape[0])
    head = "qa_outputs" if labels is None else "classifier"
    num_outputs = 2 if labels is None else len(labels)
    tensors[f"{head}.weight"] = generator.normal(scale=0.5, size=(num_outputs, width))
    tensors[f"{head}.bias"] = np.zeros(num_outputs)
    save_file(
        {name: value.astype(np.float32) for name, value in tensors.items()},
        folder / "model.safetensors",
    )
    architecture = "BertForQuestionAnswering" if labels is None else "BertForSequenceClassification"
    config = {"model_type": "bert", "architectures": [architecture], **sizes}
    if labels is not None:
        config["id2label"] = {str(number): label for number, label in enumerate(labels)}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")
    settings = json.dumps({"do_lower_case": True})
    (folder / "tokenizer_config.json").write_text(settings, encoding="utf-8")
    return folder
