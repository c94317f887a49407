"""The settings of a classifier's evaluation."""

from dataclasses import dataclass
from pathlib import Path

from components.evaluate.squad.config import PredictionConfig
from components.shared.classification.settings import SentenceConfig


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
    """Output: how many sentences of each label got which, JSON."""
    report: Path
    """Output: one HTML file with scores, speed, learning curves and labelled sentences."""
    predictions: Path
    """Output: folder with two files for each development set: .tsv (index and label, as GLUE
    takes it) and .jsonl (with the probability of each label)."""

    num_warmup_batches: int = 3
    """Batches run before the timing begins; compilation is never timed."""
    num_report_sentences: int = 30
    """Labelled sentences that the report shows."""

    def __post_init__(self) -> None:
        PredictionConfig.__post_init__(self)
        SentenceConfig.__post_init__(self)
