"""The report: one HTML file with all in it, for a browser or the Kubeflow UI."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2

from components.evaluate.curves import draw_panels, draw_speed
from components.evaluate.speed import MeasuredSpeed
from components.evaluate.squad.breakdown import Group
from components.evaluate.squad.report_examples import AnsweredQuestion, mark_context
from components.shared.files.atomic import write_text
from components.shared.reports.comparison import Difference
from components.shared.reports.figures import Panel
from components.shared.reports.score_names import RUNS_MARK, SCORE_LABELS
from components.shared.training.history import History

_TEMPLATE = Path(__file__).with_name("report.html.jinja")
_LATENCY = "latency_ms_p"
SPEED_NAMES = {
    "questions_per_second": "questions per second",
    "windows_per_second": "windows per second",
    "sentences_per_second": "sentences per second",
    "latency_ms_p50": "batch latency, median, ms",
    "latency_ms_p99": "batch latency, p99, ms",
}
_SPEEDS = {name: label for name, label in SPEED_NAMES.items() if not name.startswith(_LATENCY)}
_CONDITIONS = {
    "batch_size": "batch size",
    "compile_and_warmup_seconds": "compilation and warm-up, seconds",
    "computed_by": "computed by",
}
_SCORE_GROUPS = {"": "All questions", "HasAns_": "With an answer", "NoAns_": "Without an answer"}


def write_report(
    path: Path,
    *,
    title: str,
    subtitle: str = "",
    scores: Mapping[str, float],
    speed: Mapping[str, Any],
    measured: Sequence[MeasuredSpeed] = (),
    histories: Sequence[History],
    answered: Sequence[AnsweredQuestion],
    settings: Mapping[str, Mapping[str, Any]],
    differences: Sequence[Difference] = (),
    groups: Mapping[str, Sequence[Group]] | None = None,
    precision_recall: Panel | None = None,
) -> None:
    """Write the report, whole or not at all.

    Args:
        path: the HTML file.
        title: what was evaluated.
        subtitle: a sentence on the run.
        scores: what `score_answers` gives.
        speed: questions_per_second, windows_per_second and latency_ms_p50 … p100; anything
            else is shown as a condition of the measurement (batch size, device).
        measured: the speed at other batch sizes, lengths and precisions.
        histories: of the training stages, in their order; empty ones are left out.
        answered: the questions to show.
        settings: tables of names and values by their headings.
        differences: to a baseline's scores.
        groups: F1 of groups of questions by what they have in common.
        precision_recall: SQuAD 2.0's curve.
    """
    write_page(
        path,
        _TEMPLATE.name,
        title=title,
        subtitle=subtitle,
        speed=speed,
        histories=histories,
        settings=settings,
        headline=_headline(scores),
        score_rows=score_rows(scores) if "total" in scores else [],
        thresholds={name: scores[name] for name in scores if name.startswith("best_")},
        answered=[(item, mark_context(item)) for item in answered],
        differences=differences,
        score_labels=SCORE_LABELS,
        groups=groups or {},
        measured=measured,
        speed_panels=draw_speed(measured),
        precision_recall=precision_recall,
    )


def write_page(
    path: Path,
    template: str,
    *,
    title: str,
    subtitle: str,
    speed: Mapping[str, Any],
    histories: Sequence[History],
    settings: Mapping[str, Mapping[str, Any]],
    **contents: Any,
) -> None:
    """Write a page with what all evaluations have, whole or not at all.

    Args:
        path: the HTML file.
        template: one of this folder; report.html.jinja or one that extends its blocks.
        title: what was evaluated.
        subtitle: a sentence on the run.
        speed: see `write_report`.
        histories: see `write_report`.
        settings: see `write_report`.
        contents: what the template's own blocks show.
    """
    loader = jinja2.FileSystemLoader(_TEMPLATE.parent)
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    environment.filters |= {
        "number": format_number,
        "measure": format_measure,
        "words": lambda name: name.replace("_", " "),
        "setting": _format_setting,
    }
    text = environment.get_template(template).render(
        title=title,
        subtitle=subtitle,
        speeds=[(speed[name], label) for name, label in _SPEEDS.items() if name in speed],
        latencies=_latencies(speed),
        conditions=_conditions(speed),
        curves=[
            (h.entries[0].get("label", "Training"), draw_panels(h)) for h in histories if h.entries
        ],
        settings=settings,
        runs_mark=RUNS_MARK,
        **contents,
    )
    write_text(path, text)


def _headline(scores: Mapping[str, float]) -> dict[str, float]:
    exact = scores["exact_match"] if "exact_match" in scores else scores["exact"]
    return {"exact match": exact, "F1": scores["f1"]}


def score_rows(scores: Mapping[str, float]) -> list[dict[str, Any]]:
    """All questions and, in SQuAD 2.0, those with an answer and those without.

    The total, a number of questions, is SQuAD 2.0's only.
    """
    return [
        {
            "group": group,
            "exact": scores[f"{prefix}exact" if f"{prefix}exact" in scores else "exact_match"],
            "f1": scores[f"{prefix}f1"],
            "total": scores.get(f"{prefix}total"),
        }
        for prefix, group in _SCORE_GROUPS.items()
        if f"{prefix}f1" in scores
    ]


def _latencies(speed: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Percentile, milliseconds and the length of the bar in percent."""
    values = {name: speed[name] for name in speed if name.startswith(_LATENCY)}
    longest = max(values.values(), default=0) or 1
    return [
        {"percentile": name.removeprefix(_LATENCY), "ms": value, "bar": 100 * value / longest}
        for name, value in values.items()
    ]


def _conditions(speed: Mapping[str, Any]) -> dict[str, Any]:
    known = {name for name in speed if name in _SPEEDS or name.startswith(_LATENCY)}
    return {_CONDITIONS.get(name, name): speed[name] for name in speed if name not in known}


def format_number(value: Any) -> str:
    """Whole numbers with separators, others with four digits that count."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def format_measure(value: float) -> str:
    """Three digits that count, or all before the point: a column of them is easy to compare."""
    decimals = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{decimals}f}"


def _format_setting(value: Any) -> str:
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value)) or "none"
    return str(value)
