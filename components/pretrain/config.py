"""The settings of the pretraining stage."""

from dataclasses import dataclass
from pathlib import Path

from components.shared.bert.config import PRESETS
from components.shared.errors import InputError
from components.shared.training.settings import TrainingConfig


@dataclass(frozen=True, kw_only=True)
class PretrainConfig(TrainingConfig):
    """Pretrain BERT at one sequence length, from scratch or from a checkpoint."""

    metrics_output = "pretrain_metrics"

    dataset: Path
    """Folder with dataset.json and the shards, from the preprocess stage."""
    vocabulary: Path
    """The vocab.txt that the dataset was made with."""
    initial_checkpoint: Path | None = None
    """Checkpoint folder to start from (phase 2); none: random weights."""

    pretrain_metrics: Path
    """Output: the last losses and the speed, JSON."""

    sequence_length: int = 128
    """Tokens of a row; the dataset must have been made for it."""
    preset: str = "tiny"
    """Size of the model: tiny, mini, small, medium, base or large (Google's)."""
    bert_config: str = ""
    """Path of a bert_config.json, or its JSON text, in place of a preset."""
    global_batch_size: int = 64
    """Rows of one update, over all processes."""
    micro_batch_size: int = 32
    """Most rows that one process runs at once; the rest is accumulated."""
    num_steps: int = 500
    """Updates."""
    learning_rate: float = 1e-2
    """Peak learning rate for the whole global batch."""
    warmup_rate: float = 0.1
    """Fraction of the steps in which the learning rate grows."""
    optimizer: str = "lamb"
    """lamb (NVIDIA's NVLAMB) or adamw."""
    mask_rate: float = 0.15
    """Fraction of the tokens to predict."""
    whole_word_masking: bool = False
    """Mask all pieces of a word or none."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.bert_config and self.preset not in PRESETS:
            raise InputError(f"preset must be one of {', '.join(PRESETS)}, got {self.preset!r}")
        if not 0 < self.mask_rate < 1:
            raise InputError(
                f"mask_rate must be between 0 and 1, got {self.mask_rate}; BERT uses 0.15"
            )
        if self.num_steps < 1:
            raise InputError(f"num_steps must be 1 or more, got {self.num_steps}")
        if self.sequence_length < 8:
            raise InputError(
                f"sequence_length must be 8 or more, got {self.sequence_length}; BERT: 128, 512"
            )

    @property
    def step_name(self) -> str:
        """Tells one phase from the other."""
        return f"pretrain-{self.sequence_length}"
