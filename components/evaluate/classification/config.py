"""The settings of a classifier's evaluation."""

from dataclasses import dataclass
from pathlib import Path

from components.evaluate.squad.config import PredictionConfig
from components.shared.classification.settings import SentenceConfig
from components.shared.errors import InputError
from components.shared.stage.settings import Rare


@dataclass(frozen=True, kw_only=True)
class EvaluateClassificationConfig(PredictionConfig, SentenceConfig):
    """Label sentences with a fine-tuned model, score the labels and time the model."""

    sentences: Path
    """Folder with the development sets and sentences.json, from the ingest stage."""
    finetune_history: Path | None = None
    """History of fine-tuning, for the report."""

    evaluate_metrics: Path
    """Output: scores and speed, JSON."""
    confusion_matrix: Path
    """Output: counts of true and predicted labels, JSON."""
    report: Path
    """Output: one HTML file with scores, speed, learning curves and labeled sentences."""
    summary: Path
    """Output: scores and speed, Markdown."""
    predictions: Path
    """Output: folder with two files for each development set: .tsv (index and label, as GLUE
    expects) and .jsonl (with each label's probability)."""

    recall_k: int = 10
    """For a ranking: how many of a group's first rows recall@k counts."""
    num_warmup_batches: Rare[int] = 3
    """Batches of each length to run before timing starts; compilation is never timed."""
    num_report_sentences: Rare[int] = 30
    """Labeled sentences to show in the report."""

    def __post_init__(self) -> None:
        PredictionConfig.__post_init__(self)
        SentenceConfig.__post_init__(self)
        if self.recall_k < 1:
            raise InputError(f"recall_k must be 1 or more, got {self.recall_k}")
