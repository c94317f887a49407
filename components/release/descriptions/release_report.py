"""The report of a release: one HTML file for a browser or the Kubeflow UI."""

from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

import jinja2
from markupsafe import Markup
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

from components.release.comparison.candidate import Candidate
from components.release.comparison.gate import Decision
from components.release.model_registry import Registration
from components.shared.files.atomic import write_text
from components.shared.files.text import mask_addresses
from components.shared.model_store.layout import NotedDecision
from components.shared.reports.figures import COLORS, HALF_OF_THE_PAGE, make_figure, render
from components.shared.reports.score_names import SCORE_LABELS

_ROWS = 12
_TEMPLATE = Path(__file__).with_name("report.html.jinja")


def write_report(
    path: Path,
    *,
    version: str,
    model_store: str,
    compared_with: str,
    candidate: Candidate | None,
    decision: Decision,
    registration: Registration | None,
    decisions: Sequence[NotedDecision],
) -> None:
    """Write the report, whole or not at all.

    Args:
        path: the HTML file.
        version: that the model was released as; "" if it was not.
        model_store: where; "" if nowhere.
        compared_with: the version that was in use; "" if none was.
        candidate: the model; None where there is no store to release it to.
        decision: what was found.
        registration: what became of it in the model registry; None if it was not to be registered.
        decisions: of all runs so far, this one's last.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATE.parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    text = environment.get_template(_TEMPLATE.name).render(
        version=version,
        reasons=decision.reasons,
        registration=registration,
        model_store=mask_addresses(model_store),
        compared_with=compared_with,
        candidate=candidate,
        differences=decision.differences,
        labels=SCORE_LABELS,
        decisions=decisions[: -_ROWS - 1 : -1],
        scores_over_time=_draw(decisions) if len(decisions) > 1 else "",
    )
    write_text(path, text)


def _draw(decisions: Sequence[NotedDecision]) -> Markup:
    """Plot each score over the days of the runs: filled where the model was released."""
    with make_figure(HALF_OF_THE_PAGE) as (figure, axes):
        measures = dict.fromkeys(name for one in decisions for name in one.scores)
        for measure, color in zip(measures, cycle(COLORS), strict=False):
            own = [one for one in decisions if measure in one.scores]
            times = [one.time for one in own]
            scores = [one.scores[measure] for one in own]
            axes.plot(times, scores, color=color, lw=1.2)  # type: ignore[arg-type]
            for is_released, label in ((True, SCORE_LABELS.get(measure, measure)), (False, None)):
                points = [
                    (time, score)
                    for one, time, score in zip(own, times, scores, strict=True)
                    if bool(one.version) == is_released
                ]
                face = color if is_released else "white"
                axes.plot(
                    *(zip(*points, strict=True) if points else ([], [])),
                    "o", color=color, markerfacecolor=face, markersize=5, label=label,
                )  # fmt: skip
        locator = AutoDateLocator()
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
        axes.set_ylabel("percent")
        axes.grid(axis="y")
        axes.legend(loc="best")
        return render(figure)
