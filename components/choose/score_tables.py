"""The scores of all models that were tried, and what shows them."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

EXACT, F1 = "exact", "f1"
_NAMES = {EXACT: "exact match", F1: "F1"}


@dataclass(frozen=True)
class Run:
    """A fine-tuned model and its scores on the development set, in percent."""

    learning_rate: float
    seed: int
    exact: float
    f1: float

    def fields(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return asdict(self)


@dataclass(frozen=True)
class Table:
    """A table in the report and the summary."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def to_markdown(self) -> str:
        """Return it with numbers to the right."""
        lines = [f"| {' | '.join(row)} |" for row in (self.columns, *self.rows)]
        marks = ["|--:" if name in _NAMES.values() else "|---" for name in self.columns]
        lines.insert(1, "".join(marks) + "|")
        return "\n".join([f"## {self.title}", "", *lines, ""])

    def to_html(self) -> str:
        """Return a section that is styled as the evaluation's report is.

        All text is made of numbers and of words of this module.
        """
        head, *body = (
            "".join(
                f"<{tag}{' class=n' if name in _NAMES.values() else ''}>{cell}</{tag}>"
                for name, cell in zip(self.columns, row, strict=True)
            )
            for tag, row in (("th", self.columns), *(("td", row) for row in self.rows))
        )
        rows = "\n".join(f"<tr>{cells}</tr>" for cells in body)
        return (
            f'<h2>{self.title}</h2>\n<div class="card scroll">\n<table>\n<thead><tr>{head}</tr>'
            f"</thead>\n<tbody>\n{rows}\n</tbody>\n</table>\n</div>\n"
        )


def list_tables(runs: Sequence[Run], best: Run) -> list[Table]:
    """Return the scores of each run and, with several seeds, their means; nothing of a single run.

    Args:
        runs: with the seeds of a learning rate beside one another.
        best: the run that was chosen.
    """
    if len(runs) < 2:
        return []
    has_seeds = len({run.seed for run in runs}) > 1
    rows = []
    for run in runs:
        seed = (str(run.seed),) if has_seeds else ()
        scores = (f"{run.exact:.2f}", f"{run.f1:.2f}")
        rows.append((f"{run.learning_rate:g}", *seed, *scores, "chosen" if run is best else ""))
    seed_column = ("seed",) if has_seeds else ()
    columns = ("learning rate", *seed_column, *_NAMES.values(), "")
    table = Table("Runs", columns, tuple(rows))
    return [_list_means(runs), table] if has_seeds else [table]


def _list_means(runs: Sequence[Run]) -> Table:
    rows = []
    for spread in summarize_by_learning_rate(runs):
        cells = (f"{spread[name_mean(n)]:.2f} ± {spread[name_deviation(n)]:.2f}" for n in _NAMES)
        rows.append((f"{spread['learning_rate']:g}", *cells))
    num_seeds = len({run.seed for run in runs})
    return Table(
        f"Mean and standard deviation over {num_seeds} seeds",
        ("learning rate", *_NAMES.values()),
        tuple(rows),
    )


def summarize_by_learning_rate(runs: Sequence[Run]) -> list[dict[str, float]]:
    """Return the mean and the sample standard deviation of the scores over a rate's seeds."""
    summaries = []
    for learning_rate in dict.fromkeys(run.learning_rate for run in runs):
        own = [run for run in runs if run.learning_rate == learning_rate]
        summary = {"learning_rate": learning_rate}
        for name in _NAMES:
            scores = [getattr(run, name) for run in own]
            summary[name_mean(name)] = statistics.mean(scores)
            summary[name_deviation(name)] = statistics.stdev(scores)
        summaries.append(summary)
    return summaries


def name_mean(score: str) -> str:
    """Return the metric's name."""
    return f"{score}_mean"


def name_deviation(score: str) -> str:
    """Return the metric's name."""
    return f"{score}_standard_deviation"
