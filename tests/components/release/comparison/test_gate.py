"""A model is released if it is good enough, and no worse than the one in use."""

import numpy as np
import pytest

from components.release.comparison.gate import Limits, decide, is_tolerable
from components.shared.reports.comparison import find_intervals

NUM_QUESTIONS = 1770


def make_scores(share_right: float, count: int = 1000) -> dict[str, list[float]]:
    """Exact match and F1 of so many questions, the first of which were answered rightly."""
    return {str(n): [float(n < share_right * count)] * 2 for n in range(count)}


def make_limits(minimum: float = 0.0, max_drop: float = 1.0) -> Limits:
    return Limits({"exact": minimum, "f1": minimum}, max_drop)


def test_a_better_model_is_released():
    """The reasons name the difference and its interval."""
    decision = decide(make_scores(0.85), make_scores(0.8), make_limits())

    assert decision.is_released
    exact, f1 = decision.differences
    assert (exact.name, exact.baseline, exact.difference) == ("exact", 80, 5)
    assert 3.5 < f1.low < 5 < f1.high < 6.5
    assert decision.reasons[0].startswith("exact match differs by +5.00 points from 80.00 of the")


def test_an_equal_model_is_released():
    """Retraining on the same data changes nothing."""
    scores = make_scores(0.8)

    assert decide(scores, scores, make_limits(max_drop=0.0)).is_released


def test_a_worse_model_is_held_back():
    """With the numbers."""
    decision = decide(make_scores(0.77), make_scores(0.8), make_limits())

    assert not decision.is_released
    assert len(decision.reasons) == 2
    assert "F1 differs by -3.00 points from 80.00" in decision.reasons[1]
    assert "a drop above 1 can't be ruled out" in decision.reasons[1]


def test_few_questions_are_no_evidence():
    """Of 40, one more wrong answer may mean a large drop."""
    decision = decide(make_scores(0.775, count=40), make_scores(0.8, count=40), make_limits())

    assert not decision.is_released


def test_the_minimum_counts_where_no_model_is_in_use():
    """It alone."""
    good = decide(make_scores(0.8), None, make_limits(minimum=80))
    bad = decide(make_scores(0.799), None, make_limits(minimum=80))

    assert good.is_released
    assert good.reasons[-1] == "no model is in use"
    assert not bad.is_released
    assert bad.reasons == (
        "exact match 79.90 is below the minimum 80", "F1 79.90 is below the minimum 80"
    )  # fmt: skip


def test_the_minimum_counts_beside_a_worse_model_in_use():
    """Better is not good enough."""
    decision = decide(make_scores(0.5), make_scores(0.4), make_limits(minimum=60))

    assert not decision.is_released
    assert decision.reasons[0] == "exact match 50.00 is below the minimum 60"


@pytest.mark.parametrize("score", [float("nan"), float("inf")])
def test_a_broken_model_is_held_back(score):
    """Whatever it is compared with."""
    scores = make_scores(0.9) | {"5": [0.0, score]}

    decision = decide(scores, None, make_limits())

    assert (decision.is_released, decision.reasons) == (False, ("F1 is not a number",))


def simulate(drop: float, num_runs: int) -> np.ndarray:
    """Draw the differences of runs, [questions, runs], of models that are worse by `drop` points.

    The model in use answers 80% rightly; of its answers, 12 in 100 change with the new model.
    """
    generator = np.random.default_rng(3)
    shape = (NUM_QUESTIONS, num_runs)
    other = generator.random(shape) < 0.8
    lost, won = 0.06 + drop / 200, 0.06 - drop / 200
    chance = np.where(other, 1 - lost / 0.8, won / 0.2)
    own = generator.random(shape) < chance
    return 100 * (own.astype(np.float32) - other.astype(np.float32))


def test_a_truly_worse_model_is_hardly_ever_released():
    """Worse by 1 point over 1,770 questions: in at most 5% of 1,000 runs; a better one is."""
    worse, better = simulate(1.0, 1000), simulate(-2.0, 100)

    lows = [find_intervals(runs)[0] for runs in (worse, better)]

    assert worse.mean() == pytest.approx(-1, abs=0.1)
    released, deserved = (np.mean([is_tolerable(low, 1.0) for low in runs]) for runs in lows)
    assert released <= 0.05
    assert deserved > 0.9
    scores = {str(n): [float(value > 0)] * 2 for n, value in enumerate(worse[:, 0])}
    in_use = {str(n): [float(value < 0)] * 2 for n, value in enumerate(worse[:, 0])}
    assert decide(scores, in_use, make_limits()).differences[0].low == pytest.approx(
        lows[0][0], abs=1e-3
    )
