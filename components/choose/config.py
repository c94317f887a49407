"""The settings of the choosing stage."""

from dataclasses import dataclass
from pathlib import Path

from components.shared.errors import InputError


@dataclass(frozen=True, kw_only=True)
class ChooseConfig:
    """Keep the model with the best F1 of those fine-tuned with several learning rates."""

    candidate_checkpoints: tuple[Path, ...]
    """Checkpoint folders of the fine-tuned models."""
    candidate_metrics: tuple[Path, ...]
    """The evaluation's metrics of each, in the same order."""
    candidate_reports: tuple[Path, ...]
    """The evaluation's report of each."""
    candidate_summaries: tuple[Path, ...]
    """The evaluation's summary of each."""
    learning_rates: tuple[float, ...]
    """The learning rate of each."""

    checkpoint: Path
    """Output: checkpoint folder of the best model."""
    chosen_metrics: Path
    """Output: the best model's metrics, with its learning rate, JSON."""
    report: Path
    """Output: the best model's report, HTML."""
    summary: Path
    """Output: the scores of all learning rates and the best model's summary, Markdown."""

    def __post_init__(self) -> None:
        counts = {
            name: len(getattr(self, name))
            for name in (
                "learning_rates",
                "candidate_checkpoints",
                "candidate_metrics",
                "candidate_reports",
                "candidate_summaries",
            )
        }
        if min(counts.values()) < 1 or len(set(counts.values())) > 1:
            said = ", ".join(f"{count} {name}" for name, count in counts.items())
            raise InputError(f"expected as many of each, one or more; got {said}")
