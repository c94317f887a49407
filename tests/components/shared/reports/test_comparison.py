"""Two models' scores of the same questions are compared."""

import numpy as np
import pytest

from components.shared.reports.comparison import compare


def test_a_difference_is_of_the_means_in_percent_points():
    """Three of four right against one of four."""
    own = {id_: [float(id_ != "a"), 0.5] for id_ in "abcd"}
    baseline = {id_: [float(id_ == "b"), 0.75] for id_ in "abcd"}

    exact, f1 = compare(own, baseline)

    assert (exact.name, exact.baseline, exact.difference) == ("exact", 25, 50)
    assert (f1.baseline, f1.difference) == (75, -25)
    # Every question has the same difference: no resample can have another.
    assert (f1.low, f1.high) == (-25, -25)


def test_the_interval_is_that_of_a_mean():
    """Of many questions it nears mean ± 1.96 standard errors."""
    generator = np.random.default_rng(7)
    values = generator.normal(0.1, 1, size=2000)
    own = {str(index): [value, value] for index, value in enumerate(values)}
    baseline = {id_: [0, 0] for id_ in own}

    exact, _ = compare(own, baseline)

    error = 100 * values.std() / np.sqrt(len(values))
    assert exact.low == pytest.approx(exact.difference - 1.96 * error, abs=0.15 * error)
    assert exact.high == pytest.approx(exact.difference + 1.96 * error, abs=0.15 * error)


def test_the_same_comparison_gives_the_same_interval():
    """The resampling has a seed."""
    own = {str(index): [index % 2, index % 3 / 2] for index in range(50)}
    baseline = {id_: [1, 0.5] for id_ in own}

    assert compare(own, baseline) == compare(own, baseline)
