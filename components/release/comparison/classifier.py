"""A classifier, or a model that gives numbers, to be released."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from components.release.comparison.candidate import Candidate, Evaluation, read_scalars
from components.release.comparison.gate import Limits
from components.release.comparison.row_scores import score_rows
from components.release.config import ReleaseClassificationConfig
from components.shared.checkpoints.checkpoint_manifest import check_files, fingerprint
from components.shared.classification.ranks import find_first_relevant, score_groups
from components.shared.classification.sentences import TRAIN, Sentences, find_rows
from components.shared.errors import InputError
from components.shared.files.atomic import sha256
from components.shared.files.documents import decode_json, load_json
from components.shared.reports.comparison import QuestionScores
from components.shared.stage.start import settings

# No model is chosen by recall.
_RECALL_K = 10


@dataclass(frozen=True)
class _Metrics:
    metric: str = "accuracy"
    """The score that models are chosen by."""


@dataclass(frozen=True)
class _Row:
    label: Any
    prediction: Any
    group: str = ""
    rank: int = 0
    """Of a ranking: the row's place in its group, from 1."""


def read_classifier(config: ReleaseClassificationConfig) -> Candidate:
    """Read the model that a config names.

    Raises:
        InputError: if a file is missing or broken, or its metric can't be compared.
    """
    check_files(config.checkpoint)
    sentences = Sentences.read(config.sentences)
    metric = load_json(config.candidate_metrics, _Metrics).metric
    dev = sentences.dev_names[0]
    read_scores = partial(_read_scores, sentences=sentences, metric=metric)
    data = {
        path.name: sha256(path)
        for path in (find_rows(config.sentences, name) for name in (TRAIN, dev))
    }
    return Candidate(
        task=sentences.task,
        checkpoint=config.checkpoint,
        fingerprint=fingerprint(config.checkpoint),
        scores=read_scores(config.predictions),
        metrics=read_scalars(config.candidate_metrics),
        settings={"max_length_tokens": settings(config)["max_length_tokens"]},
        data=data,
        questions=data[find_rows(config.sentences, dev).name],
        limits=Limits({metric: config.min_score}, config.max_drop),
        evaluation=Evaluation(
            command=("components.evaluate", "classification"),
            inputs={"sentences": config.sentences},
            outputs=("evaluate_metrics", "confusion_matrix", "report", "predictions"),
            settings=("max_length_tokens",),
            read_scores=lambda outputs: read_scores(outputs["predictions"]),
        ),
    )


def _read_scores(folder: Path, *, sentences: Sentences, metric: str) -> QuestionScores:
    """Return each row's share of the metric, by its number in the development set.

    Of a ranking, whose groups count alike, it is each group's score, by the group's name.
    """
    path = folder / f"{sentences.dev_names[0]}.jsonl"
    try:
        lines = path.read_text("utf-8").splitlines()
    except OSError as error:
        raise InputError(
            f"{path}: {str(error.strerror).lower()}; give the predictions of an evaluation"
        ) from None
    rows = [decode_json(line, _Row, source=str(path)) for line in lines]
    if sentences.task == "ranking":
        return _score_groups(rows, metric)
    shares = score_rows(
        metric,
        [row.label for row in rows],
        [row.prediction for row in rows],
        positive_label=sentences.positive_label,
    )
    return {str(index): [share] for index, share in enumerate(shares)}


def _score_groups(rows: Sequence[_Row], metric: str) -> QuestionScores:
    """Groups without a relevant row have no score."""
    groups: dict[str, list[float]] = {}
    for row in sorted(rows, key=lambda row: row.rank):
        groups.setdefault(row.group, []).append(row.label)
    return {
        group: [score_groups([ranked], recall_k=_RECALL_K)[metric]]
        for group, ranked in groups.items()
        if find_first_relevant(ranked)
    }
