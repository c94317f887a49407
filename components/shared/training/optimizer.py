"""LAMB as NVIDIA trains BERT with it, AdamW, and their learning rate over the steps."""

from typing import Any

import keras
from keras import ops

_BETA_1, _BETA_2, _EPSILON = 0.9, 0.999, 1e-6
_WEIGHT_DECAY = 0.01
_MAX_GLOBAL_NORM = 1.0
# Google's exclude_from_weight_decay, LayerNorm and bias: Keras looks at the last part of a
# variable's path only, where a LayerNorm's scale is gamma and its offset beta.
_NOT_DECAYED = ("gamma", "beta", "bias")

# The power of the polynomial decay that goes with each (NVIDIA's LAMB: 0.5).
_OPTIMIZER_TO_DECAY_POWER = {"lamb": 0.5, "adamw": 1.0}
OPTIMIZERS = tuple(_OPTIMIZER_TO_DECAY_POWER)


def make_optimizer(
    name: str, *, learning_rate: float, num_steps: int, warmup_steps: int
) -> keras.optimizers.Optimizer:
    """An optimizer with its schedule; both pre-normalize by the global gradient norm.

    Args:
        name: "lamb" or "adamw".
        learning_rate: the peak, for the whole global batch.
        num_steps: updates until the rate is 0.
        warmup_steps: updates over which the rate grows from 0.
    """
    schedule = WarmupPolynomialDecay(
        learning_rate,
        num_steps=num_steps,
        warmup_steps=warmup_steps,
        power=_OPTIMIZER_TO_DECAY_POWER[name],
    )
    if name == "lamb":
        optimizer: keras.optimizers.Optimizer = Lamb(schedule)
    else:
        optimizer = keras.optimizers.AdamW(
            schedule,
            weight_decay=_WEIGHT_DECAY,
            beta_1=_BETA_1,
            beta_2=_BETA_2,
            epsilon=_EPSILON,
            global_clipnorm=_MAX_GLOBAL_NORM,
        )
    optimizer.exclude_from_weight_decay(var_names=_NOT_DECAYED)
    return optimizer


class WarmupPolynomialDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Linear warm-up, then (1 - step / num_steps) ** power over all steps.

    The decay counts from step 0, as in Google's and NVIDIA's code, so the rate jumps a
    little at the end of the warm-up (with LAMB's recipe from 6e-3 to 5.1e-3).
    """

    def __init__(self, peak: float, *, num_steps: int, warmup_steps: int, power: float) -> None:
        self._peak, self._num_steps = peak, num_steps
        self._warmup_steps, self._power = warmup_steps, power

    def __call__(self, step: Any) -> Any:
        """The rate of the update after `step` updates, a float32 scalar."""
        step = ops.cast(step, "float32")
        # Counted from 1 in the warm-up: a first update with rate 0 would be lost.
        warmup = (step + 1) / max(self._warmup_steps, 1)
        decay = ops.power(ops.maximum(1 - step / self._num_steps, 0.0), self._power)
        return self._peak * ops.where(step < self._warmup_steps, warmup, decay)

    def get_config(self) -> dict[str, Any]:
        """Keras's description of the schedule."""
        return {
            "peak": self._peak,
            "num_steps": self._num_steps,
            "warmup_steps": self._warmup_steps,
            "power": self._power,
        }


class Lamb(keras.optimizers.Optimizer):
    """NVLAMB: LAMB (You et al. 2020) with NVIDIA's pre-normalization.

    Differs from keras.optimizers.Lamb, which clips nothing and leaves the weight decay
    out of the trust ratio: g /= max(1, |g| over all variables); m and v with bias
    correction from step 1; u = m / (sqrt(v) + epsilon) + decay * w; w -= rate * |w| / |u| * u,
    the ratio 1 where either norm is 0.
    """

    def __init__(self, learning_rate: Any, *, name: str = "lamb") -> None:
        super().__init__(learning_rate=learning_rate, global_clipnorm=_MAX_GLOBAL_NORM, name=name)

    def build(self, variables: list[Any]) -> None:
        """Create the two moments of each variable."""
        if self.built:
            return
        super().build(variables)
        self._momentums, self._velocities = self.add_optimizer_variables(
            variables, ["momentum", "velocity"]
        )

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Update one variable."""
        index = self._get_variable_index(variable)
        momentum, velocity = self._momentums[index], self._velocities[index]
        learning_rate = ops.cast(learning_rate, variable.dtype)
        gradient = ops.cast(gradient, variable.dtype)
        step = ops.cast(self.iterations + 1, variable.dtype)

        self.assign(momentum, _BETA_1 * momentum + (1 - _BETA_1) * gradient)
        self.assign(velocity, _BETA_2 * velocity + (1 - _BETA_2) * ops.square(gradient))
        update = (momentum / (1 - _BETA_1**step)) / (
            ops.sqrt(velocity / (1 - _BETA_2**step)) + _EPSILON
        )
        if self._use_weight_decay(variable):
            update = update + _WEIGHT_DECAY * variable
        weight_norm, update_norm = _norm(variable), _norm(update)
        both = ops.logical_and(weight_norm > 0, update_norm > 0)
        ratio = ops.where(both, weight_norm / ops.maximum(update_norm, 1e-30), 1.0)
        self.assign_sub(variable, learning_rate * ratio * update)


def _norm(values: Any) -> Any:
    return ops.sqrt(ops.sum(ops.square(values)))
