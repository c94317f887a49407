"""The settings of the choosing stage."""

from dataclasses import dataclass
from pathlib import Path

from components.shared.errors import InputError
from components.shared.training.settings import TrainingConfig


@dataclass(frozen=True, kw_only=True)
class ChooseConfig:
    """Keep the best model of those fine-tuned with several learning rates and seeds.

    It is the one with the best F1 on SQuAD, or with the best of the score that the evaluation of
    another task names as its metric.
    """

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
            name: len(getattr(self, name))
            for name in (
                "candidate_checkpoints",
                "candidate_metrics",
                "candidate_reports",
                "candidate_summaries",
            )
        }
        expected = len(self.learning_rates) * len(self.seeds)
        if expected < 1 or {*counts.values()} != {expected}:
            said = ", ".join(f"{count} {name}" for name, count in counts.items())
            raise InputError(
                f"expected as many of each as {len(self.learning_rates)} learning_rates times "
                f"{len(self.seeds)} seeds, one or more; got {said}"
            )
