"""The model to be released, with what its evaluation says of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from components.release.comparison.gate import Limits
from components.release.config import ReleaseConfig
from components.shared.checkpoints.checkpoint_manifest import check_files, fingerprint
from components.shared.checkpoints.onnx_file import Int8Figures, read_int8_figures
from components.shared.files.atomic import sha256
from components.shared.files.documents import load_json
from components.shared.reports.comparison import EXACT_AND_F1, QuestionScores, read_question_scores
from components.shared.reports.score_names import QUESTION_ANSWERING


@dataclass(frozen=True)
class Evaluation:
    """How another model is evaluated on the candidate's questions."""

    command: tuple[str, ...]
    """The words after `python -m`."""
    inputs: Mapping[str, Path]
    """By setting."""
    outputs: tuple[str, ...]
    """The settings that name what it writes."""
    settings: tuple[str, ...]
    """Those that decide what a model answers: the model in use keeps its own."""
    read_scores: Callable[[Mapping[str, Path]], QuestionScores]
    """Reads the scores of each question from the outputs."""


@dataclass(frozen=True)
class Candidate:
    """A model with its scores of the development set's questions."""

    task: str
    """What it does, for people."""
    checkpoint: Path
    fingerprint: str
    """Tells its files from those of other models."""
    scores: QuestionScores
    """Of each question, one for each of the limits' measures, 0 to 1."""
    metrics: Mapping[str, float]
    """The evaluation's."""
    settings: Mapping[str, Any]
    """The evaluation's."""
    data: Mapping[str, str]
    """SHA-256 of the files that it was trained and evaluated on, by name."""
    questions: str
    """SHA-256 of the file of questions, one of those."""
    limits: Limits
    evaluation: Evaluation
    int8: Int8Figures | None = None
    """Of the int8 graph beside the weights, if there is one."""
    quantization: Mapping[str, float] = field(default_factory=dict)
    """What Kubeflow shows of the making of that graph."""
    quantization_outcome: str = ""
    """What came of it, in words; "" where none was to be made."""


def read_candidate(config: ReleaseConfig) -> Candidate:
    """Read the model that a config names.

    Raises:
        InputError: if a file is missing or broken.
    """
    check_files(config.checkpoint)
    data = {name: sha256(config.squad / name) for name in ("train.json", "dev.json")}
    minimums = dict(zip(EXACT_AND_F1, (config.min_exact, config.min_f1), strict=True))
    return Candidate(
        task=QUESTION_ANSWERING,
        checkpoint=config.checkpoint,
        fingerprint=fingerprint(config.checkpoint),
        scores=read_question_scores(config.candidate_metrics),
        metrics=read_scalars(config.candidate_metrics),
        settings=load_json(config.candidate_metrics, _Metrics).settings,
        data=data,
        questions=data["dev.json"],
        limits=Limits(minimums, config.max_drop),
        evaluation=Evaluation(
            command=("components.evaluate",),
            inputs={"squad": config.squad},
            outputs=("evaluate_metrics", "report", "summary", "predictions"),
            settings=(
                "max_length_tokens", "stride_tokens", "max_query_tokens", "n_best_size",
                "max_answer_length_tokens", "null_score_diff_threshold", "squad_version",
            ),
            read_scores=lambda outputs: read_question_scores(outputs["evaluate_metrics"]),
        ),
        int8=read_int8_figures(config.checkpoint),
    )  # fmt: skip


@dataclass(frozen=True)
class _Metrics:
    settings: dict[str, Any] = field(default_factory=dict)


def read_scalars(path: Path) -> dict[str, float]:
    """Return the numbers of a metrics.json by name."""
    metrics = load_json(path, dict[str, Any])
    return {
        name: value
        for name, value in metrics.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
