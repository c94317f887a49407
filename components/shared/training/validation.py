"""When a run is validated, which of its steps was best, and whether to stop early.

All of it follows from the history, which is restored with a run's state: a run that was cut off
decides as it would have without.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from components.shared.training.history import History

HELD_OUT = "held_out_"
"""How the names of numbers begin that were measured on held-out data."""
LOSS = f"{HELD_OUT}loss"


@dataclass(frozen=True, kw_only=True)
class Validation:
    """Measures a model on held-out data while it trains."""

    measure: Callable[[], Mapping[str, float]]
    """Gives numbers, `held_out_loss` among them, the same on every rank; called by all at once."""
    every_steps: int
    patience: int = 0
    """Measurements in a row without a smaller loss that end the run; 0 never does."""

    def is_due(self, step: int, num_steps: int) -> bool:
        """Whether to measure after so many optimizer steps: at the start and the end, too."""
        return step % self.every_steps == 0 or step == num_steps

    def is_over(self, history: History) -> bool:
        """Whether to stop early."""
        return is_over(history, self.patience)

    def best_step(self, history: History) -> int | None:
        """The step with the smallest loss, the first of equal ones; None without patience."""
        if not self.patience:
            return None
        losses = _list_losses(history)
        return min(losses, key=losses.__getitem__, default=None)


def is_over(history: History, patience: int) -> bool:
    """Whether the held-out loss has not become smaller for so many measurements; never for 0."""
    losses = _list_losses(history)
    best = min(losses, key=losses.__getitem__, default=0)
    return 0 < patience <= sum(step > best for step in losses)


def _list_losses(history: History) -> dict[int, float]:
    """Held-out losses by step; one that is not a number is worse than any."""
    return {
        entry["step"]: math.inf if math.isnan(entry[LOSS]) else entry[LOSS]
        for entry in history.entries
        if LOSS in entry
    }
