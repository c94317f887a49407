"""Loss scaling for float16, below whose smallest numbers gradients would fall.

A skipped step is one of the run's num_steps: its rows are passed, so that a step's place in
the data depends on its number alone, but the optimizer does not count it: bias correction and
learning rate go on where they were.
"""

from collections.abc import Sequence

from components.shared.errors import DivergedError

_INITIAL = 2.0**16
_GROWTH_INTERVAL_STEPS = 1000
_MAX_SKIPPED_IN_A_ROW = 20


class LossScale:
    """The factor that the loss is multiplied by; 1 for formats with float32's range.

    Halved where a gradient overflows (that step is skipped), doubled after 1,000 good
    steps, as NVIDIA's.
    """

    def __init__(self, *, dynamic: bool) -> None:
        self.dynamic = dynamic
        self.value = _INITIAL if dynamic else 1.0
        self._good_steps = 0
        self._skipped_in_a_row = 0
        self.num_skipped = 0

    def state(self) -> list[float]:
        """Return what `set_state` needs to resume from here."""
        counts = (self._good_steps, self._skipped_in_a_row, self.num_skipped)
        return [self.value, *map(float, counts)]

    def set_state(self, state: Sequence[float]) -> None:
        """Resume from such a state."""
        self.value = float(state[0])
        self._good_steps, self._skipped_in_a_row, self.num_skipped = map(int, state[1:])

    def entry(self) -> dict[str, float]:
        """Return what the history holds: the scale, and the steps skipped since the start."""
        if not self.dynamic:
            return {}
        return {"loss_scale": self.value, "skipped_steps": self.num_skipped}

    def update(self, finite: bool) -> None:
        """Take note of a step.

        Raises:
            DivergedError: after 20 skipped steps in a row.
        """
        if finite:
            self._skipped_in_a_row = 0
            self._good_steps += 1
            if self._good_steps % _GROWTH_INTERVAL_STEPS == 0:
                self.value *= 2
            return
        self.value /= 2
        self._good_steps = 0
        self._skipped_in_a_row += 1
        self.num_skipped += 1
        if self._skipped_in_a_row == _MAX_SKIPPED_IN_A_ROW:
            raise DivergedError(
                f"{_MAX_SKIPPED_IN_A_ROW} steps in a row had non-finite gradients; "
                "try a smaller learning_rate, or precision mixed_bfloat16 or float32"
            )
