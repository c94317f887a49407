"""The settings of the fine-tuning stage."""

from dataclasses import dataclass
from pathlib import Path

from components.shared.errors import InputError
from components.shared.squad.settings import SquadTrainingConfig, WindowConfig
from components.shared.stage.settings import Rare
from components.shared.training.settings import Optimizer, TrainingConfig


@dataclass(frozen=True, kw_only=True)
class FinetuningConfig(TrainingConfig):
    """Settings shared by all fine-tuning tasks."""

    metrics_output = "finetune_metrics"

    initial_checkpoint: Path
    """Checkpoint folder of the pretrained model. A checkpoint without weights, as ingest may
    write, starts from random weights."""

    finetune_metrics: Path
    """Output: the last losses and the speed, JSON."""

    num_epochs: float = 2.0
    """Passes over the training set."""
    global_batch_size: int = 32
    """Windows or sentences per optimizer step, over all ranks. BERT-Large: 16 to 384."""
    micro_batch_size: int = 16
    """Maximum windows or sentences per rank at a time; larger batches use gradient accumulation.
    BERT-Large on a V100 with 16 GB: 4; with 32 GB: 24."""
    learning_rate: float = 3e-4
    """Peak learning rate for the whole global batch. Google: 0.00002 to 0.00005 for base and
    large."""
    warmup_rate: Rare[float] = 0.1
    optimizer: Rare[Optimizer] = "adamw"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.num_epochs <= 0:
            raise InputError(f"num_epochs must be above 0, got {self.num_epochs}; BERT: 2 or 3")

    @property
    def step_name(self) -> str:
        """Tells this step of the pipeline from the others, its learning rates and seeds apart."""
        return f"finetune-{self.learning_rate}-{self.seed}"


@dataclass(frozen=True, kw_only=True)
class FinetuneConfig(FinetuningConfig, SquadTrainingConfig, WindowConfig):
    """Fine-tune a pretrained BERT on SQuAD 1.1 or 2.0."""

    squad: Path
    """Folder with train.json, from the ingest stage."""

    def __post_init__(self) -> None:
        FinetuningConfig.__post_init__(self)
        SquadTrainingConfig.__post_init__(self)
        WindowConfig.__post_init__(self)
