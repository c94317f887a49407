"""A clock on which work takes long without a wait, on a machine of any speed."""

import time

import pytest


class LeapingClock:
    """Takes the place of time.perf_counter, and leaps ahead when told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._read, self._leaped = time.perf_counter, 0.0
        monkeypatch.setattr(time, "perf_counter", lambda: self._read() + self._leaped)

    def leap(self, seconds: float) -> None:
        """Let so much time pass."""
        self._leaped += seconds
