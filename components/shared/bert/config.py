"""The architecture of a BERT: Google's bert_config.json and Google's sizes."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from components.shared.errors import InputError

Preset = Literal["tiny", "mini", "small", "medium", "base", "large"]
PRESETS: tuple[Preset, ...] = get_args(Preset)
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


@dataclass(frozen=True, kw_only=True)
class BertConfig:
    """The fields of Google's bert_config.json, under Google's names."""

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

    def __post_init__(self) -> None:
        for name in (
            "vocab_size",
            "hidden_size",
            "num_hidden_layers",
            "num_attention_heads",
            "intermediate_size",
            "max_position_embeddings",
        ):
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise InputError(f"{name} must be a whole number from 1 up, got {value!r}")
        if self.hidden_size % self.num_attention_heads:
            raise InputError(
                f"hidden_size {self.hidden_size} is not a multiple of num_attention_heads "
                f"{self.num_attention_heads}; BERT's heads are {_HEAD_WIDTH} wide"
            )
        if self.hidden_act != "gelu":
            raise InputError(f"hidden_act must be gelu, as in every BERT, got {self.hidden_act!r}")
        for name in ("hidden_dropout_prob", "attention_probs_dropout_prob"):
            value = getattr(self, name)
            if not 0 <= value < 1:
                raise InputError(f"{name} must be from 0 up to but not 1, got {value}; BERT: 0.1")

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
    def parse(cls, text: str, *, source: str) -> "BertConfig":
        """Make a config of the JSON text of a bert_config.json.

        Raises:
            InputError: naming `source`, if it is not JSON, a field is unknown or missing,
                or a value does not make a BERT.
        """
        try:
            fields = json.loads(text)
        except json.JSONDecodeError as error:
            raise InputError(f"{source}, line {error.lineno}: not JSON: {error.msg}") from None
        if not isinstance(fields, dict):
            raise InputError(f"{source}: expected a JSON object, as Google's bert_config.json is")
        known = {field.name for field in dataclasses.fields(cls)}
        # Fields of Google's later files that say nothing about the network.
        ignored = {"directionality", "pooler_fc_size", "pooler_num_attention_heads",
                   "pooler_num_fc_layers", "pooler_size_per_head", "pooler_type"}  # fmt: skip
        if unknown := sorted(fields.keys() - known - ignored):
            raise InputError(f"{source}: unknown field {unknown[0]!r}; known: {sorted(known)}")
        try:
            return cls(**{name: value for name, value in fields.items() if name in known})
        except TypeError as error:
            missing = str(error).partition("argument")[2].strip(" s:")
            raise InputError(f"{source}: missing {missing}") from None
        except InputError as error:
            raise InputError(f"{source}: {error}") from None

    @classmethod
    def read(cls, path: Path) -> "BertConfig":
        """Read a bert_config.json."""
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise InputError(f"{path}: no such file; a BERT needs its bert_config.json") from None
        return cls.parse(text, source=str(path))

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
        """The fields as a dict, in Google's names."""
        return dataclasses.asdict(self)
