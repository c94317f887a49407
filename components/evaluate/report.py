"""The report: one HTML file with all in it, for a browser or the Kubeflow UI."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2

from components.evaluate.answered import AnsweredQuestion, mark_context
from components.evaluate.baseline import Difference
from components.evaluate.breakdown import Group
from components.evaluate.curves import Panel, draw_panels
from components.shared.bert.history import History
from components.shared.files import write_text

_TEMPLATE = Path(__file__).with_name("report.html.jinja")
_LATENCY = "latency_ms_p"
_SPEEDS = {"questions_per_second": "questions a second", "windows_per_second": "windows a second"}
_SCORE_GROUPS = {"": "All questions", "HasAns_": "With an answer", "NoAns_": "Without an answer"}


def write_report(
    path: Path,
    *,
    title: str,
    subtitle: str = "",
    scores: Mapping[str, float],
    speed: Mapping[str, Any],
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
        histories: of the training stages, in their order; empty ones are left out.
        answered: the questions to show.
        settings: tables of names and values by their headings.
        differences: to a baseline's scores.
        groups: F1 of groups of questions by what they have in common.
        precision_recall: SQuAD 2.0's curve.
    """
    loader = jinja2.FileSystemLoader(_TEMPLATE.parent)
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    environment.filters |= {"number": _format_number, "words": lambda name: name.replace("_", " ")}
    text = environment.get_template(_TEMPLATE.name).render(
        title=title,
        subtitle=subtitle,
        headline=_headline(scores),
        score_rows=_score_rows(scores),
        thresholds={name: scores[name] for name in scores if name.startswith("best_")},
        speeds=[(speed[name], label) for name, label in _SPEEDS.items() if name in speed],
        latencies=_latencies(speed),
        conditions=_conditions(speed),
        curves=[
            (h.entries[0].get("label", "Training"), draw_panels(h)) for h in histories if h.entries
        ],
        answered=[(item, mark_context(item)) for item in answered],
        settings=settings,
        differences=differences,
        groups=groups or {},
        precision_recall=precision_recall,
    )
    write_text(path, text)


def _headline(scores: Mapping[str, float]) -> dict[str, float]:
    exact = scores["exact_match"] if "exact_match" in scores else scores["exact"]
    return {"exact match": exact, "F1": scores["f1"]}


def _score_rows(scores: Mapping[str, float]) -> list[dict[str, Any]]:
    """SQuAD 2.0's table: all questions, those with an answer and those without."""
    return [
        {
            "group": group,
            "exact": scores[f"{prefix}exact"],
            "f1": scores[f"{prefix}f1"],
            "total": scores[f"{prefix}total"],
        }
        for prefix, group in _SCORE_GROUPS.items()
        if f"{prefix}total" in scores
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
    return {name: value for name, value in speed.items() if name not in known}


def _format_number(value: Any) -> str:
    """Whole numbers with separators, others with four digits that count."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}"
