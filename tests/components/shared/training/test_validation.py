"""When to measure, which step is best, and when a run is over."""

import math

import pytest

from components.shared.training.history import History
from components.shared.training.validation import Validation


def make_history(*losses):
    """Measured every ten steps, with a line of training between two of them."""
    history = History([])
    for index, loss in enumerate(losses):
        history.append({"step": index * 10, "held_out_loss": loss})
        history.append({"step": index * 10 + 5, "loss": 0.0})
    return history


def make_validation(patience):
    return Validation(measure=dict, every_steps=10, patience=patience)


@pytest.mark.parametrize(
    ("losses", "patience", "is_over", "best"),
    [
        ((), 1, False, None),
        ((3.0, 2.0, 1.0), 1, False, 20),
        ((3.0, 2.0, 2.0), 1, True, 10),
        ((3.0, 2.0, 2.5, 2.1), 3, False, 10),
        ((3.0, 2.0, 2.5, 2.1, 2.2), 3, True, 10),
        ((3.0, 2.0, 2.5, 1.9, 2.2), 3, False, 30),
        ((3.0, math.nan), 1, True, 0),
        ((math.nan, 3.0), 1, False, 10),
        ((3.0, 4.0, 5.0, 6.0), 0, False, None),
    ],
)
def test_a_run_is_over_when_its_loss_has_not_fallen_for_long(losses, patience, is_over, best):
    """Counted from the best; a loss that is not a number is worse than any."""
    validation, history = make_validation(patience), make_history(*losses)

    assert validation.is_over(history) == is_over
    assert validation.best_step(history) == best


def test_the_last_step_is_measured_too():
    """Whether or not it is a round one."""
    validation = make_validation(0)

    assert [step for step in range(26) if validation.is_due(step, 25)] == [0, 10, 20, 25]
