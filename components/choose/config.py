"""The settings of the choosing stage."""

from dataclasses import dataclass
from pathlib import Path

from components.shared.errors import InputError


@dataclass(frozen=True, kw_only=True)
class ChooseConfig:
    """Of models fine-tuned with several learning rates, take the one with the best F1."""

    candidate_checkpoints: tuple[Path, ...]
    """The fine-tuned models' checkpoint folders."""
    candidate_metrics: tuple[Path, ...]
    """The evaluation's metrics of each, in the same order."""
    candidate_reports: tuple[Path, ...]
    """Its report of each."""
    candidate_summaries: tuple[Path, ...]
    """Its summary of each."""
    learning_rates: tuple[float, ...]
    """The learning rate of each."""

    checkpoint: Path
    """Output: the best model's checkpoint folder."""
    chosen_metrics: Path
    """Output: its metrics, with its learning rate, JSON."""
    report: Path
    """Output: its report, HTML."""
    summary: Path
    """Output: the scores of all learning rates, and its summary, Markdown."""

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
