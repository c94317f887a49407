"""The outcome of a regression: its numbers, their scores, and what shows them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from components.evaluate.classification.correlations import score_numbers
from components.evaluate.classification.outcome import DevSet, Outcome, Prediction
from components.evaluate.curves import draw_scatter
from components.evaluate.squad.report_examples import choose_halves
from components.shared.classification.sentences import Row
from components.shared.reports.score_names import TASK_TO_SCORES


@dataclass(frozen=True)
class _Example:
    """A row with the model's number."""

    index: int
    row: Row
    number: float

    @property
    def error(self) -> float:
        """How far the number is off."""
        return abs(self.number - self.row.value)


def evaluate_numbers(
    name_to_rows: Mapping[str, Sequence[Row]],
    name_to_logits: Mapping[str, Sequence[np.ndarray]],
    *,
    num_examples: int,
) -> Outcome:
    """Score the model's numbers.

    Args:
        name_to_rows: the rows of each development set.
        name_to_logits: for each row float32 [1].
        num_examples: rows to show.
    """
    name_to_examples = {
        name: [
            _Example(index, row, float(logits_1[0]))
            for index, (row, logits_1) in enumerate(zip(rows, name_to_logits[name], strict=True))
        ]
        for name, rows in name_to_rows.items()
    }
    dev_sets = [
        DevSet(
            name,
            score_numbers([one.row.value for one in examples], [one.number for one in examples]),
            [
                Prediction(repr(one.number), {"label": one.row.value, "prediction": one.number})
                for one in examples
            ],
        )
        for name, examples in name_to_examples.items()
    ]
    num_rows = sum(map(len, name_to_rows.values()))
    return Outcome(
        dev_sets=dev_sets,
        names={
            **TASK_TO_SCORES["regression"].labels,
            "root_mean_squared_error": "root mean squared error",
        },
        title=f"Regression: {num_rows:,} sentences",
        subtitle="How near the model's numbers are, how fast it is, and how it was trained.",
        template="numbers.html.jinja",
        contents={
            "panels": {
                name: draw_scatter(
                    [one.row.value for one in examples], [one.number for one in examples]
                )
                for name, examples in name_to_examples.items()
            },
            "examples": _choose(name_to_examples[dev_sets[0].name], num_examples),
        },
    )


def _choose(examples: Sequence[_Example], count: int) -> list[_Example]:
    """Half from the nearer, half from the farther half, from all over the set."""
    median = float(np.median([one.error for one in examples]))
    near = [one for one in examples if one.error <= median]
    far = [one for one in examples if one.error > median]
    return sorted(choose_halves(near, far, count), key=lambda one: one.index)
