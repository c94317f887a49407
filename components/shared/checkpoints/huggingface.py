"""Hugging Face's form of a BERT: its names and config, and its files read as Google's."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from components.shared.bert.config import BertConfig
from components.shared.errors import InputError
from components.shared.text import parse_json

WEIGHTS, CONFIG = "model.safetensors", "config.json"
# Google's GELU is the tanh form, which transformers calls gelu_new; its "gelu" is the exact
# one, under which Google's released weights are published there all the same.
_GELU = "gelu_new"
_GELUS = ("gelu", _GELU, "gelu_pytorch_tanh")
_HEADS = {
    "cls/predictions/output_bias": "cls.predictions.bias",
    "cls/seq_relationship/output_weights": "cls.seq_relationship.weight",
    "cls/seq_relationship/output_bias": "cls.seq_relationship.bias",
    "cls/squad/output_weights": "qa_outputs.weight",
    "cls/squad/output_bias": "qa_outputs.bias",
    "output_weights": "classifier.weight",
    "output_bias": "classifier.bias",
}
_HEADS_BACK = {theirs: name for name, theirs in _HEADS.items()}
_CLASSIFIER = "BertForSequenceClassification"
# transformers writes labels that are not these.
_DEFAULT_LABELS = {"0": "LABEL_0", "1": "LABEL_1"}
# A buffer, and what is tied to other weights.
_NO_WEIGHTS = re.compile(r"position_ids$|^cls\.predictions\.decoder\.")


def to_huggingface(name: str, value: np.ndarray) -> tuple[str, np.ndarray]:
    """A weight's name and value as transformers has them: PyTorch's matrices lie transposed."""
    if name in _HEADS:
        return _HEADS[name], value
    stem, _, last = name.rpartition("/")
    theirs = re.sub(r"layer_(\d+)", r"layer.\1", stem).replace("/", ".")
    if last == "kernel":
        return f"{theirs}.weight", np.ascontiguousarray(value.T)
    if last in ("gamma", "beta", "bias"):
        return f"{theirs}.{'weight' if last == 'gamma' else 'bias'}", value
    return f"{theirs}.{last}.weight", value


def to_google(name: str) -> str:
    """The name that a weight of transformers has in Google's checkpoints."""
    if name in _HEADS_BACK:
        return _HEADS_BACK[name]
    # Saved from a BertModel, names have no prefix.
    name = name if name.startswith(("bert.", "cls.")) else f"bert.{name}"
    stem, _, last = re.sub(r"layer\.(\d+)", r"layer_\1", name).replace(".", "/").rpartition("/")
    if stem.endswith("LayerNorm"):
        return f"{stem}/{ {'weight': 'gamma', 'bias': 'beta'}.get(last, last) }"
    if stem.endswith("_embeddings"):
        return stem
    return f"{stem}/{'kernel' if last == 'weight' else last}"


class HuggingFaceWeights:
    """The tensors of a model.safetensors, under Google's names and in Google's layout."""

    def __init__(self, folder: Path) -> None:
        from safetensors import SafetensorError, safe_open  # here: not every image reads it

        try:
            self._file = safe_open(folder / WEIGHTS, framework="numpy")
        except (SafetensorError, FileNotFoundError) as error:
            raise InputError(f"{folder / WEIGHTS}: not readable: {error}") from None
        theirs = [name for name in [*self._file.keys()] if not _NO_WEIGHTS.search(name)]
        self._names = {to_google(name): name for name in theirs}
        self.shapes: Mapping[str, tuple[int, ...]] = {
            name: self._shape(name) for name in self._names
        }

    def read(self, name: str) -> np.ndarray:
        """The value of a weight."""
        value = self._file.get_tensor(self._names[name])
        return value.T if name.endswith("/kernel") else value

    def _shape(self, name: str) -> tuple[int, ...]:
        shape = tuple(self._file.get_slice(self._names[name]).get_shape())
        return shape[::-1] if name.endswith("/kernel") else shape


def read_config(path: Path) -> BertConfig:
    """Read a config.json of transformers.

    Raises:
        InputError: if it is not that of a BERT.
    """
    try:
        fields = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise InputError(f"{path}: not JSON: {error}") from None
    if fields.get("model_type") != "bert":
        raise InputError(f"{path}: model_type must be bert, got {fields.get('model_type')!r}")
    ours = {name: fields[name] for name in BertConfig.__dataclass_fields__ if name in fields}
    if ours.get("hidden_act") in _GELUS:
        ours["hidden_act"] = "gelu"
    return BertConfig.parse(json.dumps(ours), source=str(path))


def read_labels(path: Path) -> tuple[str, ...] | None:
    """The labels of a classifier's config.json, in the order of its outputs; else None."""
    fields = parse_json(path.read_text("utf-8"))
    if _CLASSIFIER not in (fields.get("architectures") or ()):
        return None  # other models may have a list of labels too
    names = fields.get("id2label", _DEFAULT_LABELS)
    return tuple(names[str(id_)] for id_ in range(len(names)))


def config_fields(
    config: BertConfig, *, architecture: str, labels: Sequence[str] | None = None
) -> dict[str, Any]:
    """What config.json says of a model, and of a classifier's labels."""
    names = (
        {
            "id2label": {str(id_): label for id_, label in enumerate(labels)},
            "label2id": {label: id_ for id_, label in enumerate(labels)},
        }
        if labels
        else {}
    )
    return {
        **names,
        "architectures": [architecture],
        "model_type": "bert",
        **config.fields(),
        "hidden_act": _GELU,
        "layer_norm_eps": 1e-12,
        "pad_token_id": 0,
        "dtype": "float32",
    }


def tokenizer_fields(config: BertConfig, *, lowercase: bool) -> Mapping[str, Any]:
    """What tokenizer_config.json says of how text is cut into word pieces."""
    return {
        "tokenizer_class": "BertTokenizer",
        "do_lower_case": lowercase,
        "tokenize_chinese_chars": True,
        "strip_accents": None,
        "model_max_length": config.max_position_embeddings,
        "pad_token": "[PAD]",
        "unk_token": "[UNK]",
        "cls_token": "[CLS]",
        "sep_token": "[SEP]",
        "mask_token": "[MASK]",
    }
