"""Whether a model may replace the one in use."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from components.shared.reports.comparison import Difference, QuestionScores, compare
from components.shared.reports.score_names import SCORE_LABELS


@dataclass(frozen=True)
class Limits:
    """What a model must reach."""

    minimums: Mapping[str, float]
    """The least score of each measure, in percent."""
    max_drop: float
    """By how many percent points it may be worse than the model in use."""


@dataclass(frozen=True)
class Decision:
    """Whether the model is released, and why."""

    is_released: bool
    reasons: tuple[str, ...]
    """Sentences with numbers: what speaks against it, or, if nothing does, what was found."""
    differences: tuple[Difference, ...] = ()
    """To the model in use, by measure; empty without a model in use."""
    scores: Mapping[str, float] = field(default_factory=dict)
    """The model's own, in percent, by measure; empty where they were not compared."""


def decide(
    own: QuestionScores, other: QuestionScores | None, limits: Limits, *, seed: int = 0
) -> Decision:
    """Compare a model with its limits and with the model in use.

    Args:
        own: the model's scores of each question, 0 to 1, one for each of the limits' measures.
        other: those of the model in use, of the same questions; None without a model in use.
        limits: what the model must reach.
        seed: of the resampling.
    """
    names = tuple(limits.minimums)
    columns = zip(*own.values(), strict=True)
    means = {
        name: 100 * math.fsum(column) / len(own)
        for name, column in zip(names, columns, strict=True)
    }
    broken = [name for name, mean in means.items() if not math.isfinite(mean)]
    if broken:
        return Decision(False, tuple(f"{SCORE_LABELS[name]} is not a number" for name in broken))
    against = [
        f"{SCORE_LABELS[name]} {means[name]:.2f} is below the minimum {limits.minimums[name]:g}"
        for name in names
        if means[name] < limits.minimums[name]
    ]
    found = [f"{SCORE_LABELS[name]} {mean:.2f} reaches the minimum {limits.minimums[name]:g}"
             for name, mean in means.items() if limits.minimums[name]]  # fmt: skip
    differences = compare(own, other, names, seed=seed) if other is not None else []
    for item in differences:
        measured = (
            f"{SCORE_LABELS[item.name]} differs by {item.difference:+.2f} points from "
            f"{item.baseline:.2f} of the model in use "
            f"(95% interval {item.low:+.2f} to {item.high:+.2f})"
        )
        if is_tolerable(item.low, limits.max_drop):
            found.append(f"{measured}, a drop of at most {limits.max_drop:g}")
        else:
            against.append(f"{measured}; a drop above {limits.max_drop:g} can't be ruled out")
    if not found:
        found = ["no model is in use, and no minimum is set"]
    elif other is None:
        found.append("no model is in use")
    return Decision(not against, tuple(against or found), tuple(differences), means)


def is_tolerable(low: float, max_drop: float) -> bool:
    """Whether a difference whose interval begins at `low` is no larger drop than allowed."""
    return low >= -max_drop
