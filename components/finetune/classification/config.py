"""The settings of fine-tuning on labeled sentences."""

from dataclasses import dataclass
from pathlib import Path

from components.finetune.squad.config import FinetuningConfig
from components.shared.classification.settings import SentenceConfig


@dataclass(frozen=True, kw_only=True)
class FinetuneClassificationConfig(FinetuningConfig, SentenceConfig):
    """Fine-tune a pretrained BERT on labeled sentences, or pairs of sentences."""

    sentences: Path
    """Folder with train.jsonl and sentences.json, from the ingest stage."""

    num_epochs: float = 3.0
    """Passes over the training set. Google: 3."""
    new_pooler: bool = False
    """Draw the pooler of a model without one, such as a BertForMaskedLM, at random. By default
    such a model is rejected."""

    def __post_init__(self) -> None:
        FinetuningConfig.__post_init__(self)
        SentenceConfig.__post_init__(self)

    @property
    def command(self) -> list[str]:
        """Return the command that runs this training, without its flags."""
        return [*super().command, "classification"]
