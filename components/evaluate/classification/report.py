"""The report: the page of all evaluations, with what is the task's own."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from components.evaluate.classification.outcome import Outcome
from components.evaluate.report import write_page
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
