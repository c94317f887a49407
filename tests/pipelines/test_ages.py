"""Lengths of time on the command line."""

from datetime import timedelta

import pytest

from components.shared.errors import InputError
from pipelines.ages import parse_age


@pytest.mark.parametrize("text", ["", "30", "d", "-1d", "1w", "1.5d", "9" * 30 + "d"])
def test_an_age_is_days_or_hours(text):
    """Anything else is named."""
    assert parse_age("36h", "--older-than") == timedelta(days=1.5)

    with pytest.raises(InputError, match="--older-than"):
        parse_age(text, "--older-than")
