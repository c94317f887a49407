"""The settings of the evaluation stage."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from components.shared.bert.config import Precision, expect_positions
from components.shared.errors import InputError
from components.shared.squad.settings import SpanConfig, SquadConfig
from components.shared.stage.settings import Rare, expect_choices

_LEAST = {
    "batch_size": 1,
    "num_warmup_batches": 0,
    "num_report_questions": 0,
    "num_report_sentences": 0,
    "num_answers": 1,
    "num_speed_batches": 1,
}


class SpeedSetting(NamedTuple):
    """One combination at which the speed is measured."""

    precision: str
    length_tokens: int
    """Tokens of every window, padding included."""
    batch_size: int

    @property
    def name(self) -> str:
        """Prefix of its metrics."""
        return f"{self.precision}_length_{self.length_tokens}_batch_{self.batch_size}"


@dataclass(frozen=True, kw_only=True)
class PredictionConfig:
    """How a fine-tuned model predicts."""

    checkpoint: Path
    """Checkpoint folder of the fine-tuned model."""

    batch_size: int = 32
    """Windows or sentences per prediction batch."""
    precision: Precision = "float32"
    """Arithmetic precision: mixed_float16 suits V100; mixed_bfloat16 suits A100, H100, Intel's
    CPUs with AMX, and AMD's since Zen 4."""

    def __post_init__(self) -> None:
        for name, least in _LEAST.items():
            if getattr(self, name, least) < least:
                raise InputError(f"{name} must be {least} or more, got {getattr(self, name)}")
        expect_choices(self)


@dataclass(frozen=True, kw_only=True)
class AnswerConfig(PredictionConfig, SpanConfig):
    """How a fine-tuned model answers questions."""

    def __post_init__(self) -> None:
        PredictionConfig.__post_init__(self)
        SpanConfig.__post_init__(self)


@dataclass(frozen=True, kw_only=True)
class EvaluateConfig(AnswerConfig, SquadConfig):
    """Answer the questions of a SQuAD file, score the answers and time the model."""

    squad: Path
    """Folder with dev.json, the questions to answer, and train.json, from the ingest stage."""
    pretrain_128_history: Path | None = None
    """History of pretraining at length 128, for the report."""
    pretrain_512_history: Path | None = None
    """History of pretraining at length 512, for the report."""
    finetune_history: Path | None = None
    """History of fine-tuning, for the report."""
    baseline: str = ""
    """metrics.json of the model in use, evaluated on the same questions, to compare with: a path,
    such as on a mounted volume."""

    evaluate_metrics: Path
    """Output: scores and speed, JSON."""
    report: Path
    """Output: one HTML file with scores, speed, learning curves and answered questions."""
    summary: Path
    """Output: scores and speed only, Markdown."""
    predictions: Path
    """Output: folder with predictions.json, nbest_predictions.json and, for SQuAD 2.0,
    null_odds.json."""

    num_warmup_batches: Rare[int] = 3
    """Batches of each length to run before timing starts; compilation is never timed."""
    num_report_questions: Rare[int] = 30
    """Answered questions to show in the report."""

    speed_batch_sizes: Rare[tuple[int, ...]] = ()
    """Batch sizes at which to measure the speed as well, in every combination with speed_lengths
    and speed_precisions. An empty one of the three uses the evaluation's own value; if all are
    empty, nothing more is measured."""
    speed_lengths: Rare[tuple[int, ...]] = ()
    """Window lengths, padding included, at which to measure the speed as well (NVIDIA: 128,384)."""
    speed_precisions: Rare[tuple[Precision, ...]] = ()
    """Precisions at which to measure the speed as well."""
    num_speed_batches: Rare[int] = 100
    """Batches to time on each device for each of these combinations."""

    def __post_init__(self) -> None:
        AnswerConfig.__post_init__(self)
        SquadConfig.__post_init__(self)
        if "://" in self.baseline:
            raise InputError(
                f"baseline must be a path, got {self.baseline}; download it, or put it on a volume "
                "that the step has"
            )
        for name in ("speed_batch_sizes", "speed_lengths", "speed_precisions"):
            given = getattr(self, name)
            if len(set(given)) < len(given):
                raise InputError(f"{name} must be distinct, got {', '.join(map(str, given))}")
        for size in self.speed_batch_sizes:
            if size < 1:
                raise InputError(f"speed_batch_sizes must be 1 or more, got {size}")
        for length in self.speed_lengths:
            self._expect_context("speed_lengths", length)

    def expect_room(self, max_position_embeddings: int) -> None:
        """Compare the windows' lengths, those of the speed among them, with a model's positions.

        Raises:
            InputError: if a window is longer.
        """
        super().expect_room(max_position_embeddings)
        longest = max(self.speed_lengths, default=0)
        expect_positions("speed_lengths", longest, max_position_embeddings)

    def speed_grid(self) -> list[SpeedSetting]:
        """Return the further shapes to measure the speed at, by precision."""
        if not (self.speed_precisions or self.speed_lengths or self.speed_batch_sizes):
            return []
        return [
            SpeedSetting(precision, length, batch_size)
            for precision in self.speed_precisions or (self.precision,)
            for length in self.speed_lengths or (self.max_length_tokens,)
            for batch_size in self.speed_batch_sizes or (self.batch_size,)
        ]


@dataclass(frozen=True, kw_only=True)
class AskConfig(AnswerConfig):
    """Answer a question, or one after the other, about a text."""

    context: Path
    """Text file, UTF-8, that holds the answers."""
    question: str = ""
    """The question. Empty reads one question per line from the keyboard or a pipe."""
    num_answers: int = 3
    """Number of best answers to print."""
    no_answer: bool = False
    """Whether "no answer" is allowed; models fine-tuned on SQuAD 2.0 have learned it."""
