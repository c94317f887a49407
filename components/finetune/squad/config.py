"""The settings of the fine-tuning stage."""

from dataclasses import dataclass
from pathlib import Path

from components.shared.errors import InputError
from components.shared.squad.settings import WindowConfig
from components.shared.training.settings import TrainingConfig


@dataclass(frozen=True, kw_only=True)
class FinetuningConfig(TrainingConfig):
    """The settings that all tasks of fine-tuning share."""

    metrics_output = "finetune_metrics"

    initial_checkpoint: Path
    """Checkpoint folder of the pretrained model; one that ingest wrote without weights starts
    from random ones."""

    finetune_metrics: Path
    """Output: the last losses and the speed, JSON."""

    num_epochs: float = 2.0
    """How often each question or sentence is seen."""
    global_batch_size: int = 32
    """Windows or sentences of one update, over all processes."""
    micro_batch_size: int = 16
    """Most of them that one process runs at once; the rest is accumulated."""
    learning_rate: float = 3e-4
    """Peak learning rate for the whole global batch; Google: 3e-5 for base and large."""
    warmup_rate: float = 0.1
    """Fraction of the steps in which the learning rate grows."""
    optimizer: str = "adamw"
    """adamw or lamb."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.num_epochs <= 0:
            raise InputError(f"num_epochs must be above 0, got {self.num_epochs}; BERT: 2 or 3")


@dataclass(frozen=True, kw_only=True)
class FinetuneConfig(FinetuningConfig, WindowConfig):
    """Fine-tune a pretrained BERT on SQuAD 1.1 or 2.0."""

    squad: Path
    """Folder with train.json, from the ingest stage."""

    def __post_init__(self) -> None:
        FinetuningConfig.__post_init__(self)
        WindowConfig.__post_init__(self)

    @property
    def step_name(self) -> str:
        """Tells this step of the pipeline from the others, and its learning rates apart."""
        return f"finetune-{self.learning_rate}"
