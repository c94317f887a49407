"""The report and the summary: those of all evaluations, with what is the task's own."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from components.evaluate.classification.outcome import Outcome
from components.evaluate.report import write_page
from components.evaluate.summary import list_speed
from components.shared.files.atomic import write_text
from components.shared.training.history import History


def write_report(
    path: Path,
    outcome: Outcome,
    *,
    speed: Mapping[str, Any],
    histories: Sequence[History],
    settings: Mapping[str, Mapping[str, Any]],
) -> None:
    """Write the report, whole or not at all.

    Args:
        path: the HTML file.
        outcome: the scores, and what shows them.
        speed: as `components.evaluate.report.write_report` takes it.
        histories: of fine-tuning.
        settings: tables of names and values by their headings.
    """
    write_page(
        path,
        f"classification/{outcome.template}",
        title=outcome.title,
        subtitle=outcome.subtitle,
        speed=speed,
        histories=histories,
        settings=settings,
        names=outcome.names,
        dev_sets=outcome.dev_sets,
        **outcome.contents,
    )


def write_summary(path: Path, outcome: Outcome, *, speed: Mapping[str, Any]) -> None:
    """Write scores and speed in a few lines of Markdown, whole or not at all."""
    lines = [
        f"# {outcome.title}",
        "",
        f"| | {' | '.join(outcome.names.values())} |",
        f"|---{'|--:' * len(outcome.names)}|",
    ]
    for one in outcome.dev_sets:
        cells = " | ".join(f"{one.scores[name]:.4f}" for name in outcome.names)
        lines.append(f"| {one.name.replace('_', ' ')} | {cells} |")
    write_text(path, "\n".join([*lines, *list_speed(speed)]) + "\n")
