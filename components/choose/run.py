"""The choosing stage."""

import itertools
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from components.choose.config import ChoiceConfig, ChooseClassificationConfig, ChooseConfig
from components.choose.score_tables import Run, list_tables, summarize_by_learning_rate
from components.shared.classification.matrices import show_matrix
from components.shared.errors import InputError
from components.shared.files.atomic import whole_folder, write_text
from components.shared.reports.score_names import QUESTION_ANSWERING, RUNS_MARK, TASK_TO_SCORES
from components.shared.stage.start import Metadata

_METRIC = "metric"


def run(config: ChooseConfig) -> Metadata:
    """Pass on the model that answers best, and what the evaluation said of it."""
    return _choose(config)[1]


def run_classification(config: ChooseClassificationConfig) -> Metadata:
    """Pass on the best model, what the evaluation said of it, and what it predicted."""
    place, metadata = _choose(config)
    with whole_folder(config.predictions) as folder:
        shutil.copytree(config.candidate_predictions[place], folder, dirs_exist_ok=True)
    matrices = config.candidate_matrices[place].read_text("utf-8")
    write_text(config.confusion_matrix, matrices)
    return {**metadata, "confusion_matrix": show_matrix(json.loads(matrices))}


def _choose(config: ChoiceConfig) -> tuple[int, Metadata]:
    """Write what all tasks pass on; return the best model's place and the metadata.

    Of equals the first is taken.
    """
    metrics = [_read(path) for path in config.candidate_metrics]
    metric = _find_metric(metrics, config)
    combinations = itertools.product(config.learning_rates, config.seeds)
    runs = [
        Run(learning_rate, seed, _list_scores(one))
        for (learning_rate, seed), one in zip(combinations, metrics, strict=True)
    ]
    place = max(range(len(runs)), key=lambda place: runs[place].scores[metric])
    best = runs[place]
    own = {"learning_rate": best.learning_rate, "seed": best.seed}
    chosen = {**metrics[place], **own}
    if len(runs) > 1:
        chosen["runs"] = [one.fields() for one in runs]
    if len(config.seeds) > 1:
        by_learning_rate = summarize_by_learning_rate(runs)
        chosen["by_learning_rate"] = by_learning_rate
        chosen |= by_learning_rate[config.learning_rates.index(best.learning_rate)]
    tables = list_tables(runs, best)

    with whole_folder(config.checkpoint) as folder:
        shutil.copytree(config.candidate_checkpoints[place], folder, dirs_exist_ok=True)
    write_text(config.chosen_metrics, json.dumps(chosen, indent=2) + "\n")
    report = config.candidate_reports[place].read_text("utf-8")
    sections = "".join(table.to_html() for table in tables)
    write_text(config.report, report.replace(RUNS_MARK, sections, 1))
    summary = config.candidate_summaries[place].read_text("utf-8")
    write_text(config.summary, "\n".join([summary, *(one.to_markdown() for one in tables)]))

    scalars = {name: value for name, value in chosen.items() if isinstance(value, int | float)}
    return place, {
        "checkpoint": {**own, metric: chosen[metric]},
        "chosen_metrics": scalars,
    }


def _find_metric(metrics: Sequence[dict[str, Any]], config: ChoiceConfig) -> str:
    """Return the score that all of the evaluations name to choose by; SQuAD's name none."""
    squad = TASK_TO_SCORES[QUESTION_ANSWERING]
    names = [one.get(_METRIC, squad.main) for one in metrics]
    other = next((place for place, name in enumerate(names) if name != names[0]), None)
    if other is not None:
        raise InputError(
            f"{config.candidate_metrics[other]}: the metric is {names[other]}, that of "
            f"{config.candidate_metrics[0]} {names[0]}; give evaluations of one task"
        )
    return str(names[0])


def _list_scores(metrics: dict[str, Any]) -> dict[str, float]:
    """Return the scores to compare; SQuAD 1.1's official script calls exact match otherwise."""
    if _METRIC in metrics:
        return {metrics[_METRIC]: metrics[metrics[_METRIC]]}
    exact = metrics["exact"] if "exact" in metrics else metrics["exact_match"]
    return {"exact": exact, "f1": metrics["f1"]}


def _read(path: Path) -> dict[str, Any]:
    try:
        metrics = dict(json.loads(path.read_text("utf-8")))
        if all(isinstance(score, int | float) for score in _list_scores(metrics).values()):
            return metrics
    except FileNotFoundError:
        raise InputError(f"{path}: no such metrics file") from None
    except (KeyError, TypeError, ValueError):
        pass
    raise InputError(
        f"{path}: holds no exact match and F1, nor the metric it names; give the metrics of an "
        "evaluation"
    )
