"""The settings of the choosing stage."""

from dataclasses import dataclass, fields
from pathlib import Path

from components.shared.errors import InputError
from components.shared.training.settings import TrainingConfig


@dataclass(frozen=True, kw_only=True)
class ChoiceConfig:
    """What is chosen from, and what is passed on, whatever the task."""

    candidate_checkpoints: tuple[Path, ...]
    """Checkpoint folders of the fine-tuned models: of the first learning rate, one for each seed,
    then of the next."""
    candidate_metrics: tuple[Path, ...]
    """The evaluation's metrics of each, in the same order."""
    candidate_reports: tuple[Path, ...]
    """The evaluation's report of each."""
    candidate_summaries: tuple[Path, ...]
    """The evaluation's summary of each."""
    learning_rates: tuple[float, ...]
    """The learning rates."""
    seeds: tuple[int, ...] = (TrainingConfig.seed,)
    """The seeds, the same for each learning rate."""

    checkpoint: Path
    """Output: checkpoint folder of the best model."""
    chosen_metrics: Path
    """Output: the best model's metrics, with its learning rate and seed, and the scores of all,
    JSON."""
    report: Path
    """Output: the best model's report, with the scores of all, HTML."""
    summary: Path
    """Output: the scores of all and the best model's summary, Markdown."""

    def __post_init__(self) -> None:
        counts = {
            field.name: len(getattr(self, field.name))
            for field in fields(self)
            if field.name.startswith("candidate_")
        }
        num_rates = len(self.learning_rates)
        expected = num_rates * len(self.seeds)
        if expected < 1 or {*counts.values()} != {expected}:
            said = ", ".join(f"{count} {name}" for name, count in counts.items())
            raise InputError(
                f"{num_rates} learning_rates times {len(self.seeds)} seeds need {expected} inputs "
                f"of each kind, at least one; got {said}"
            )


@dataclass(frozen=True, kw_only=True)
class ChooseConfig(ChoiceConfig):
    """Keep the model with the best F1 of those fine-tuned with several learning rates and seeds."""


@dataclass(frozen=True, kw_only=True)
class ChooseClassificationConfig(ChoiceConfig):
    """Keep the best model of those fine-tuned on labeled sentences.

    They differ in their learning rates and seeds. The best is the one with the best of the score
    that their evaluation names as its metric.
    """

    candidate_matrices: tuple[Path, ...]
    """The evaluation's confusion matrix of each."""
    candidate_predictions: tuple[Path, ...]
    """The evaluation's predictions of each."""

    confusion_matrix: Path
    """Output: the best model's confusion matrix, JSON."""
    predictions: Path
    """Output: folder with the best model's predictions."""
