"""The choosing stage."""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from components.choose.config import ChooseConfig
from components.shared.errors import InputError
from components.shared.files import whole_folder, write_text
from components.shared.stage import Metadata


def run(config: ChooseConfig) -> Metadata:
    """Pass on the model with the best F1 and what the evaluation said of it.

    Of equals the first is taken.
    """
    metrics = [_read(path) for path in config.candidate_metrics]
    best = max(range(len(metrics)), key=lambda place: metrics[place]["f1"])
    learning_rate = config.learning_rates[best]
    chosen = {**metrics[best], "learning_rate": learning_rate}

    with whole_folder(config.checkpoint) as folder:
        shutil.copytree(config.candidate_checkpoints[best], folder, dirs_exist_ok=True)
    write_text(config.chosen_metrics, json.dumps(chosen, indent=2) + "\n")
    write_text(config.report, config.candidate_reports[best].read_text("utf-8"))
    summary = config.candidate_summaries[best].read_text("utf-8")
    if len(metrics) > 1:
        summary += "\n" + _compare(config.learning_rates, metrics, best)
    write_text(config.summary, summary)

    scalars = {name: value for name, value in chosen.items() if isinstance(value, int | float)}
    return {
        "checkpoint": {"learning_rate": learning_rate, "f1": chosen["f1"]},
        "chosen_metrics": scalars,
    }


def _read(path: Path) -> dict[str, Any]:
    try:
        metrics = json.loads(path.read_text("utf-8"))
        if isinstance(metrics["f1"], int | float):
            return dict(metrics)
    except FileNotFoundError:
        raise InputError(f"{path}: no such metrics file") from None
    except (KeyError, TypeError, ValueError):
        pass
    raise InputError(f"{path}: holds no f1; give the metrics.json of an evaluation")


def _compare(
    learning_rates: Sequence[float], metrics: Sequence[Mapping[str, Any]], best: int
) -> str:
    """A table of all learning rates, in Markdown."""
    exact = "exact" if "exact" in metrics[best] else "exact_match"
    lines = ["## Learning rates", "", "| | exact match | F1 | |", "|---|--:|--:|---|"]
    for place, (rate, scores) in enumerate(zip(learning_rates, metrics, strict=True)):
        chosen = "chosen" if place == best else ""
        lines.append(f"| {rate:g} | {scores[exact]:.2f} | {scores['f1']:.2f} | {chosen} |")
    return "\n".join(lines) + "\n"
