"""The architecture of a BERT: Google's bert_config.json and Google's sizes."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from components.shared.errors import InputError
from components.shared.files.documents import decode_json, describe, expect_shape

Preset = Literal["tiny", "mini", "small", "medium", "base", "large"]
PRESETS: tuple[Preset, ...] = get_args(Preset)
# How a model is computed: Keras's names of dtype policies.
Precision = Literal["float32", "mixed_float16", "mixed_bfloat16"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
# google-research/bert, README: the five released sizes and BERT-Large; heads are 64 wide.
_PRESET_TO_LAYERS_AND_HIDDEN: dict[str, tuple[int, int]] = {
    "tiny": (2, 128),
    "mini": (4, 256),
    "small": (4, 512),
    "medium": (8, 512),
    "base": (12, 768),
    "large": (24, 1024),
}
_HEAD_WIDTH = 64


# Google's code knows the first four: its "gelu" is the tanh form. The exact GELU, which
# transformers calls "gelu", has a name here that Google's code rejects and nobody confuses.
ACTIVATIONS = ("gelu", "relu", "tanh", "linear", "gelu_erf", "silu")
_TANH_GELUS = ("gelu_new", "gelu_pytorch_tanh", "gelu_fast", "gelu_accurate", "gelu_python_tanh")
# Names of transformers that mean the same in every file.
_ALIASES = {
    **dict.fromkeys(_TANH_GELUS, "gelu"),
    "gelu_python": "gelu_erf",
    "swish": "silu",
}
# Fields that change the network: the values under which they change nothing, of which the
# first is shown. Others are rejected.
_FIXED: Mapping[str, tuple[Any, ...]] = {
    "position_embedding_type": ("absolute", None),
    "is_decoder": (False, None),
    "is_encoder_decoder": (False, None),
    "add_cross_attention": (False, None),
    "tie_word_embeddings": (True, None),
    "pruned_heads": ({}, None),
    "pad_token_id": (0, None),
    "quantization_config": (None,),
    "auto_map": (None, {}),
    "problem_type": ("single_label_classification", None),
}
_WHOLE_NUMBERS = (
    "vocab_size",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "max_position_embeddings",
    "type_vocab_size",
)
_LAYER_NORM_EPS = 1e-12


@dataclass(frozen=True, kw_only=True)
class BertConfig:
    """The fields of Google's bert_config.json, under Google's names, and two of transformers'."""

    vocab_size: int
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int
    hidden_act: str = "gelu"
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.1
    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    initializer_range: float = 0.02
    layer_norm_eps: float = _LAYER_NORM_EPS
    """Always 1e-12 in Google's code; written where it is another."""
    classifier_dropout: float | None = None
    """None: hidden_dropout_prob; written where it is not None."""
    ignored_fields: tuple[str, ...] = field(default=(), compare=False, repr=False)
    """What else the file says; none of it changes the network."""

    def __post_init__(self) -> None:
        for name in _WHOLE_NUMBERS:
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise InputError(f"{name} must be a whole number of 1 or more, got {value!r}")
        if self.hidden_size % self.num_attention_heads:
            raise InputError(
                f"hidden_size {self.hidden_size} is not a multiple of num_attention_heads "
                f"{self.num_attention_heads}; BERT's heads are {_HEAD_WIDTH} wide"
            )
        if self.type_vocab_size < 2:
            raise InputError("type_vocab_size must be 2 or more: a pair has two segments, got 1")
        if self.hidden_act not in ACTIVATIONS:
            raise InputError(
                f"hidden_act must be one of {', '.join(ACTIVATIONS)}, got {self.hidden_act!r}"
            )
        dropouts = ["hidden_dropout_prob", "attention_probs_dropout_prob"]
        if self.classifier_dropout is not None:
            dropouts.append("classifier_dropout")
        for name in dropouts:
            value = getattr(self, name)
            if not 0 <= value < 1:
                raise InputError(f"{name} must be at least 0 and below 1, got {value}; BERT: 0.1")
        for name in ("initializer_range", "layer_norm_eps"):
            value = getattr(self, name)
            if not 0 < value < 1:
                raise InputError(f"{name} must be above 0 and below 1, got {value}")

    @classmethod
    def preset(cls, name: str, *, vocab_size: int) -> "BertConfig":
        """One of Google's sizes, for a vocabulary of `vocab_size` pieces."""
        if name not in _PRESET_TO_LAYERS_AND_HIDDEN:
            raise InputError(f"preset must be one of {', '.join(PRESETS)}, got {name!r}")
        num_layers, hidden_size = _PRESET_TO_LAYERS_AND_HIDDEN[name]
        return cls(
            vocab_size=vocab_size,
            hidden_size=hidden_size,
            num_hidden_layers=num_layers,
            num_attention_heads=hidden_size // _HEAD_WIDTH,
            intermediate_size=4 * hidden_size,
        )

    @classmethod
    def parse(cls, text: str | bytes, *, source: str) -> "BertConfig":
        """Make a config of the JSON text of a bert_config.json.

        Raises:
            InputError: naming `source`, if it is not JSON, a field is missing, or a value does
                not make a BERT.
        """
        return cls.from_fields(decode_json(text, dict[str, Any], source=source), source=source)

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any], *, source: str) -> "BertConfig":
        """Make a config of the parsed fields of a file; see `parse`."""
        for name, allowed in _FIXED.items():
            if name in fields and fields[name] not in allowed:
                raise InputError(
                    f"{source}: {name} {describe(fields[name])} is not supported, only "
                    f"{describe(allowed[0])}"
                )
        known = {one.name for one in dataclasses.fields(cls)} - {"ignored_fields"}
        ours = {name: value for name, value in fields.items() if name in known}
        if isinstance(activation := ours.get("hidden_act"), str):
            ours["hidden_act"] = _ALIASES.get(activation, activation)
        config = expect_shape(ours, cls, source=source)
        ignored = sorted(fields.keys() - known - _FIXED.keys())
        return dataclasses.replace(config, ignored_fields=tuple(ignored))

    @classmethod
    def read(cls, path: Path) -> "BertConfig":
        """Read a bert_config.json."""
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            raise InputError(f"{path}: no such file; a BERT needs its bert_config.json") from None
        return cls.parse(content, source=str(path))

    @classmethod
    def choose(cls, bert_config: str, preset: str, *, vocab_size: int) -> tuple["BertConfig", str]:
        """The architecture that two settings name, and how messages call it.

        Args:
            bert_config: path of a bert_config.json, or its JSON text; empty: the preset.
            preset: one of Google's sizes.
            vocab_size: word pieces of a preset.

        Raises:
            InputError: if it can't be read, or there is no such preset.
        """
        if bert_config.lstrip().startswith("{"):
            return cls.parse(bert_config, source="bert_config"), "bert_config"
        if bert_config:
            return cls.read(Path(bert_config)), bert_config
        return cls.preset(preset, vocab_size=vocab_size), preset

    def expect_room(self, num_pieces: int, *, source: str, vocabulary: str) -> None:
        """Compare the model with a vocabulary.

        Raises:
            InputError: if that has word pieces that the model has no vectors for.
        """
        if self.vocab_size < num_pieces:
            raise InputError(
                f"{source}: vocab_size {self.vocab_size} is less than the {num_pieces} pieces of "
                f"{vocabulary}; set it to {num_pieces}"
            )

    def to_json(self) -> str:
        """The text of a bert_config.json."""
        return json.dumps(self.fields(), indent=2) + "\n"

    def fields(self) -> dict[str, Any]:
        """The fields as a dict: Google's, and those of others that differ from Google's code."""
        fields = dataclasses.asdict(self)
        del fields["ignored_fields"]
        if self.layer_norm_eps == _LAYER_NORM_EPS:
            del fields["layer_norm_eps"]
        if self.classifier_dropout is None:
            del fields["classifier_dropout"]
        return fields


def expect_positions(setting: str, num_tokens: int, max_position_embeddings: int) -> None:
    """Compare the length that a setting asks for with a model's positions.

    Raises:
        InputError: if the model has fewer.
    """
    if num_tokens > max_position_embeddings:
        raise InputError(
            f"{setting} {num_tokens} is more than the model's max_position_embeddings "
            f"{max_position_embeddings}; lower it to that or less"
        )
