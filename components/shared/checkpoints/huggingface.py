"""Hugging Face's form of a BERT: its names and config, and its files read as Google's."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.shared.bert.config import BertConfig
from components.shared.errors import InputError
from components.shared.files.documents import describe, load_json
from components.shared.tokens.tokenization import Tokenization

if TYPE_CHECKING:  # ingest, which reads what lies beside the weights, does without
    import numpy as np

WEIGHTS, CONFIG = "model.safetensors", "config.json"
# Google's GELU is the tanh form, which transformers calls gelu_new; its "gelu" is the exact
# one, under which Google's released weights are published there all the same.
_OURS_TO_THEIRS = {"gelu": "gelu_new", "gelu_erf": "gelu"}
# What transformers takes where config.json leaves a field out.
_DEFAULTS = {
    "vocab_size": 30522,
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "hidden_act": "gelu",
}
# Of the file itself, or read elsewhere.
_NOT_OF_THE_NETWORK = {
    "_name_or_path", "architectures", "dtype", "id2label", "label2id", "model_type",
    "torch_dtype", "transformers_version", "use_cache",
}  # fmt: skip
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
_DTYPES = ("F64", "F32", "F16", "BF16")
# A buffer, and what is tied to other weights.
_NO_WEIGHTS = re.compile(r"position_ids$|^cls\.predictions\.decoder\.")


def is_in(folder: Path) -> bool:
    """Whether a folder's weights are in transformers' format."""
    return (folder / WEIGHTS).exists()


def to_huggingface(name: str, value: "np.ndarray") -> "tuple[str, np.ndarray]":
    """A weight's name and value as transformers has them: PyTorch's matrices lie transposed."""
    import numpy as np

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
        """Open the file.

        Raises:
            InputError: if it is cut short, or holds a weight twice.
        """
        from safetensors import SafetensorError, safe_open

        self._path = folder / WEIGHTS
        try:
            self._file = safe_open(self._path, framework="numpy")
        except (SafetensorError, OSError) as error:
            raise InputError(f"{self._path}: not readable: {error}; get it again") from None
        self._names: dict[str, str] = {}
        for name in self._file.keys():  # noqa: SIM118 - no mapping
            if _NO_WEIGHTS.search(name):
                continue
            other = self._names.setdefault(to_google(name), name)
            if other != name:
                raise InputError(
                    f"{self._path}: {name} and {other} are the same weight; get it again"
                )
        self.shapes: Mapping[str, tuple[int, ...]] = {
            name: self._shape(name) for name in self._names
        }

    def read(self, name: str) -> "np.ndarray":
        """The value of a weight, in float32.

        Raises:
            InputError: if it is not stored as floating-point numbers.
        """
        dtype = self._file.get_slice(self._names[name]).get_dtype()
        if dtype not in _DTYPES:
            raise InputError(
                f"{self._path}: {self._names[name]} is stored as {dtype}; save the model in float32"
            )
        value = self._file.get_tensor(self._names[name]).astype("float32", copy=False)
        return value.T if name.endswith("/kernel") else value

    def _shape(self, name: str) -> tuple[int, ...]:
        shape = tuple(self._file.get_slice(self._names[name]).get_shape())
        return shape[::-1] if name.endswith("/kernel") else shape


def read_config(path: Path) -> BertConfig:
    """Read a config.json of transformers.

    Raises:
        InputError: if it is not that of a BERT, or of one that is not supported.
    """
    fields = load_json(path, dict[str, Any])
    if fields.get("model_type") != "bert":
        raise InputError(
            f"{path}: model_type must be bert, got {describe(fields.get('model_type'))}"
        )
    fields = {**_DEFAULTS, **fields}
    if fields["hidden_act"] == "gelu":
        fields["hidden_act"] = "gelu_erf"
    kept = {name: value for name, value in fields.items() if name not in _NOT_OF_THE_NETWORK}
    return BertConfig.from_fields(kept, source=str(path))


@dataclass(frozen=True)
class _LabelFields:
    architectures: tuple[str, ...] | None = None
    id2label: dict[str, str] = field(default_factory=lambda: dict(_DEFAULT_LABELS))


def read_labels(path: Path) -> tuple[str, ...] | None:
    """The labels of a classifier's config.json, in the order of its outputs; else None.

    Raises:
        InputError: if their ids are not 0, 1, 2 and so on.
    """
    fields = load_json(path, _LabelFields)
    if _CLASSIFIER not in (fields.architectures or ()):
        return None  # other models may have a list of labels too
    ids = [str(id_) for id_ in range(len(fields.id2label))]
    if set(ids) != fields.id2label.keys():
        raise InputError(f"{path}: id2label: expected the ids {', '.join(ids)}, got others")
    return tuple(fields.id2label[id_] for id_ in ids)


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
        "hidden_act": _OURS_TO_THEIRS.get(config.hidden_act, config.hidden_act),
        "layer_norm_eps": config.layer_norm_eps,
        "pad_token_id": 0,
        "dtype": "float32",
    }


def tokenizer_fields(config: BertConfig, tokenization: Tokenization) -> Mapping[str, Any]:
    """What tokenizer_config.json says of how text is cut into word pieces."""
    return {
        "tokenizer_class": "BertTokenizer",
        **tokenization.fields(),
        "model_max_length": config.max_position_embeddings,
        "pad_token": "[PAD]",
        "unk_token": "[UNK]",
        "cls_token": "[CLS]",
        "sep_token": "[SEP]",
        "mask_token": "[MASK]",
    }
