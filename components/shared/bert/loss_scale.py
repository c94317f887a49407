"""Loss scaling for float16, whose smallest numbers gradients would fall below."""

from collections.abc import Sequence

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

    def state(self) -> list[float]:
        """What `set_state` needs to go on from here."""
        return [self.value, float(self._good_steps), float(self._skipped_in_a_row)]

    def set_state(self, state: Sequence[float]) -> None:
        """Go on from such a state."""
        self.value = float(state[0])
        self._good_steps, self._skipped_in_a_row = int(state[1]), int(state[2])

    def update(self, finite: bool) -> None:
        """Take note of a step.

        Raises:
            FloatingPointError: after 20 skipped steps in a row.
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
        if self._skipped_in_a_row == _MAX_SKIPPED_IN_A_ROW:
            raise FloatingPointError(
                f"{_MAX_SKIPPED_IN_A_ROW} steps in a row had gradients that are no numbers; "
                "try a smaller learning_rate, or precision mixed_bfloat16 or float32"
            )
