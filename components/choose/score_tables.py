"""The scores of all models that were tried, and what shows them."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.shared.reports.score_names import SCORE_LABELS


@dataclass(frozen=True)
class Run:
    """A fine-tuned model and its scores on the development set."""

    learning_rate: float
    seed: int
    scores: Mapping[str, float]
    """SQuAD's in percent, others 0 to 1; of each run the same."""

    def fields(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {"learning_rate": self.learning_rate, "seed": self.seed, **self.scores}


@dataclass(frozen=True)
class Table:
    """A table in the report and the summary."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    number_columns: tuple[str, ...]
    """Those whose cells stand to the right."""

    def to_markdown(self) -> str:
        """Return it with numbers to the right."""
        lines = [f"| {' | '.join(row)} |" for row in (self.columns, *self.rows)]
        marks = ["|--:" if name in self.number_columns else "|---" for name in self.columns]
        lines.insert(1, "".join(marks) + "|")
        return "\n".join([f"## {self.title}", "", *lines, ""])

    def to_html(self) -> str:
        """Return a section that is styled as the evaluation's report is.

        All text is made of numbers and of words of this module.
        """
        head, *body = (
            "".join(
                f"<{tag}{' class=n' if name in self.number_columns else ''}>{cell}</{tag}>"
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
        scores = tuple(_format(value, run) for value in run.scores.values())
        rows.append((f"{run.learning_rate:g}", *seed, *scores, "chosen" if run is best else ""))
    seed_column = ("seed",) if has_seeds else ()
    names = _name_scores(best)
    columns = ("learning rate", *seed_column, *names, "")
    table = Table("Runs", columns, tuple(rows), names)
    return [_list_means(runs), table] if has_seeds else [table]


def _list_means(runs: Sequence[Run]) -> Table:
    rows = []
    for spread in summarize_by_learning_rate(runs):
        cells = (
            f"{_format(spread[name_mean(name)], runs[0])} ± "
            f"{_format(spread[name_deviation(name)], runs[0])}"
            for name in runs[0].scores
        )
        rows.append((f"{spread['learning_rate']:g}", *cells))
    num_seeds = len({run.seed for run in runs})
    names = _name_scores(runs[0])
    return Table(
        f"Mean and standard deviation over {num_seeds} seeds",
        ("learning rate", *names),
        tuple(rows),
        names,
    )


def _name_scores(run: Run) -> tuple[str, ...]:
    return tuple(SCORE_LABELS.get(name, name.replace("_", " ")) for name in run.scores)


def _format(value: float, run: Run) -> str:
    """Percents with two digits, shares with four: as the evaluation's reports have them."""
    return f"{value:.2f}" if "exact" in run.scores else f"{value:.4f}"


def summarize_by_learning_rate(runs: Sequence[Run]) -> list[dict[str, float]]:
    """Return the mean and the sample standard deviation of the scores over a rate's seeds."""
    summaries = []
    for learning_rate in dict.fromkeys(run.learning_rate for run in runs):
        own = [run for run in runs if run.learning_rate == learning_rate]
        summary = {"learning_rate": learning_rate}
        for name in own[0].scores:
            scores = [run.scores[name] for run in own]
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
