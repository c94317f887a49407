"""The settings of the pretraining stage."""

from dataclasses import dataclass
from pathlib import Path

from components.shared.bert.config import Preset, expect_positions
from components.shared.errors import InputError
from components.shared.stage.settings import Rare
from components.shared.training.settings import Optimizer, TrainingConfig

_LEAST = {"num_steps": 0, "validate_every_steps": 1, "num_validation_batches": 0, "patience": 0}


@dataclass(frozen=True, kw_only=True)
class PretrainConfig(TrainingConfig):
    """Pretrain BERT at one sequence length, from scratch or from a checkpoint."""

    metrics_output = "pretrain_metrics"

    dataset: Path
    """Dataset folder from the preprocess stage: dataset.json and the record shards."""
    vocabulary: Path
    """The vocab.txt that the dataset was made with."""
    initial_checkpoint: Path | None = None
    """Checkpoint folder to start from; without it, training starts from random weights."""

    pretrain_metrics: Path
    """Output: the last losses and the speed, JSON."""

    sequence_length: int = 128
    """Tokens per row; the dataset must have been made for this length."""
    preset: Preset = "tiny"
    """Model size, one of Google's."""
    bert_config: str = ""
    """Path of a bert_config.json, or its JSON text; overrides preset."""
    global_batch_size: int = 64
    """Rows per optimizer step, over all ranks. BERT-Large: 65536 at length 128, 32768 at 512."""
    micro_batch_size: int = 32
    """Maximum rows per rank at a time; larger batches use gradient accumulation. BERT-Large on a
    V100 with 16 GB: 16 at length 128, 4 at 512; with 32 GB: 64 and 8."""
    num_steps: int = 500
    """Optimizer steps. BERT-Large: 7038 at length 128, then 1564 at 512. 0 passes the initial
    checkpoint on as it is."""
    learning_rate: float = 1e-2
    """Peak learning rate for the whole global batch. BERT-Large with LAMB: 0.006 at length 128,
    0.004 at 512."""
    warmup_rate: float = 0.1
    """Fraction of the optimizer steps in which the learning rate rises to its peak. BERT-Large:
    0.284172 at length 128, 0.127877 at 512."""
    optimizer: Rare[Optimizer] = "lamb"
    mask_rate: Rare[float] = 0.15
    """Fraction of the tokens to mask and predict."""
    whole_word_masking: bool = False
    """Mask all word pieces of a word or none."""
    validate_every_steps: int = 100
    """Optimizer steps between measurements on held-out rows; the start and the end are measured
    too."""
    num_validation_batches: Rare[int] = 16
    """Maximum batches of 16 held-out rows to measure on. 0 measures nothing."""
    patience: Rare[int] = 0
    """Stop after so many measurements in a row without a smaller held-out loss, and keep the
    weights with the smallest. 0 trains to the last step and keeps its weights."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.mask_rate < 1:
            raise InputError(
                f"mask_rate must be between 0 and 1, got {self.mask_rate}; BERT uses 0.15"
            )
        for name, least in _LEAST.items():
            if getattr(self, name) < least:
                raise InputError(f"{name} must be {least} or more, got {getattr(self, name)}")
        if self.patience and not self.num_validation_batches:
            raise InputError(
                "patience needs measurements on held-out rows; set num_validation_batches, or "
                "leave patience out"
            )
        if self.sequence_length < 8:
            raise InputError(
                f"sequence_length must be 8 or more, got {self.sequence_length}; BERT: 128, 512"
            )

    def expect_room(self, max_position_embeddings: int) -> None:
        """Compare the rows' length with a model's positions.

        Raises:
            InputError: if a row is longer.
        """
        expect_positions("sequence_length", self.sequence_length, max_position_embeddings)

    @property
    def step_name(self) -> str:
        """Tells one phase from the other."""
        return f"pretrain-{self.sequence_length}"
