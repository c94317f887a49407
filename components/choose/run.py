"""The choosing stage."""

import itertools
import json
import shutil
from pathlib import Path
from typing import Any

from components.choose.config import ChooseConfig
from components.choose.score_tables import Run, list_tables, summarize_by_learning_rate
from components.shared.errors import InputError
from components.shared.files import whole_folder, write_text
from components.shared.report_marks import RUNS
from components.shared.stage import Metadata


def run(config: ChooseConfig) -> Metadata:
    """Pass on the model with the best F1 and what the evaluation said of it.

    Of equals the first is taken.
    """
    metrics = [_read(path) for path in config.candidate_metrics]
    combinations = itertools.product(config.learning_rates, config.seeds)
    runs = [
        Run(learning_rate, seed, _find_exact(one), one["f1"])
        for (learning_rate, seed), one in zip(combinations, metrics, strict=True)
    ]
    place = max(range(len(runs)), key=lambda place: runs[place].f1)
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
    write_text(config.report, report.replace(RUNS, sections, 1))
    summary = config.candidate_summaries[place].read_text("utf-8")
    write_text(config.summary, "\n".join([summary, *(one.to_markdown() for one in tables)]))

    scalars = {name: value for name, value in chosen.items() if isinstance(value, int | float)}
    return {
        "checkpoint": {**own, "f1": chosen["f1"]},
        "chosen_metrics": scalars,
    }


def _find_exact(metrics: dict[str, Any]) -> float:
    """Return the exact match, which SQuAD 1.1's official script calls otherwise than 2.0's."""
    return float(metrics["exact"] if "exact" in metrics else metrics["exact_match"])


def _read(path: Path) -> dict[str, Any]:
    try:
        metrics = json.loads(path.read_text("utf-8"))
        if isinstance(metrics["f1"], int | float) and isinstance(_find_exact(metrics), float):
            return dict(metrics)
    except FileNotFoundError:
        raise InputError(f"{path}: no such metrics file") from None
    except (KeyError, TypeError, ValueError):
        pass
    raise InputError(f"{path}: holds no exact match and F1; give the metrics.json of an evaluation")
