"""A training step on each of Keras's backends, compiled as each does it best."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

# Small gradients would be 0 in float16; the trainer finds its scale while it trains.
_FLOAT16_LOSS_SCALE = 2.0**10


def device_name() -> str:
    """What the backend calls the GPU that it uses; "" where there is none."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
        details = tf.config.experimental.get_device_details(gpus[0]) if gpus else {}
        return str(details.get("device_name", ""))
    if backend == "jax":
        import jax

        device = jax.devices()[0]
        return "" if device.platform == "cpu" else str(device.device_kind)
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else ""


def make_step(
    task: Any, optimizer: Any, arrays: dict[str, np.ndarray], *, precision: str
) -> Callable[[], float]:
    """A function that makes one update on the batch and returns its loss, once it is done.

    Args:
        task: has a `model` and `sums`, as `PretrainingTask`.
        optimizer: a Keras optimizer.
        arrays: the batch.
        precision: that the model was made in.
    """
    make = {"tensorflow": _make_tensorflow, "jax": _make_jax, "torch": _make_torch}
    scale = _FLOAT16_LOSS_SCALE if precision == "mixed_float16" else 1.0
    counts = [float(arrays[f"{name}_weights"].sum()) for name in ("masked", "next_sentence")]

    def scaled_loss(batch: dict[str, Any]) -> Any:
        sums = task.sums(batch)
        losses = (sums["masked_lm_loss"], sums["next_sentence_loss"])
        return scale * sum(loss / count for loss, count in zip(losses, counts, strict=True))

    optimizer.build(task.model.trainable_variables)
    batch = {name: ops.convert_to_tensor(values) for name, values in arrays.items()}
    step = make[keras.backend.backend()](scaled_loss, task.model, optimizer, scale)
    return lambda: float(step(batch)) / scale


def make_product(size: int, dtype: str) -> Callable[[], None]:
    """A function that multiplies two square matrices of that size, and waits for the result."""
    generator = np.random.default_rng(0)
    left, right = (
        ops.cast(ops.convert_to_tensor(generator.standard_normal((size, size), np.float32)), dtype)
        for _ in range(2)
    )

    def multiply() -> None:
        # One number of it, on the way back from the device: it is done then.
        float(ops.cast(ops.matmul(left, right)[0, 0], "float32"))

    return multiply


def _make_tensorflow(loss_of: Callable[..., Any], model: Any, optimizer: Any, scale: float) -> Any:
    import tensorflow as tf

    variables = model.trainable_variables

    # As the trainer: XLA on GPUs, where it pays; on CPUs between the matrix products alone.
    @tf.function(jit_compile=bool(tf.config.list_physical_devices("GPU")))
    def step(batch: dict[str, Any]) -> Any:
        with tf.GradientTape() as tape:
            loss = loss_of(batch)
        gradients = tape.gradient(loss, [variable.value for variable in variables])
        optimizer.apply([tf.convert_to_tensor(one) / scale for one in gradients], variables)
        return loss

    return step


def _make_jax(loss_of: Callable[..., Any], model: Any, optimizer: Any, scale: float) -> Any:
    import jax

    def find_loss(trained: Sequence[Any], others: Sequence[Any], batch: Any) -> tuple[Any, Any]:
        variables = [*model.trainable_variables, *model.non_trainable_variables]
        values = zip(variables, [*trained, *others], strict=True)
        with keras.StatelessScope(state_mapping=values) as scope:
            loss = loss_of(batch)
        after = [scope.get_current_value(one) for one in model.non_trainable_variables]
        return loss, [old if new is None else new for old, new in zip(others, after, strict=True)]

    def compute(trained: Any, others: Any, slots: Any, batch: Any) -> tuple[Any, Any, Any, Any]:
        (loss, others), gradients = jax.value_and_grad(find_loss, has_aux=True)(
            trained, others, batch
        )
        gradients = [one / scale for one in gradients]
        trained, slots = optimizer.stateless_apply(slots, gradients, trained)
        return loss, trained, others, slots

    # The old weights' memory takes the new ones.
    compiled = jax.jit(compute, donate_argnums=(0, 1, 2))
    state = [
        [variable.value for variable in variables]
        for variables in (
            model.trainable_variables,
            model.non_trainable_variables,
            optimizer.variables,
        )
    ]

    def step(batch: Any) -> Any:
        loss, *state[:] = compiled(*state, batch)
        jax.block_until_ready(state)
        return loss

    return step


def _make_torch(loss_of: Callable[..., Any], model: Any, optimizer: Any, scale: float) -> Any:
    import torch

    variables = model.trainable_variables

    def step(batch: Any) -> Any:
        model.zero_grad(set_to_none=True)
        loss = loss_of(batch)
        loss.backward()
        with torch.no_grad():
            optimizer.apply([variable.value.grad / scale for variable in variables], variables)
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return loss.detach()

    return step
