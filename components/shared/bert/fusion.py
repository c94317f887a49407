"""Compiles chains of elementwise operations into one pass over memory, where that pays.

On a CPU TensorFlow runs one kernel for each addition or tanh, and each reads and writes the
whole array. Matrix products are faster outside XLA there, so not the whole step is compiled
but only what lies between them. On a GPU the trainer compiles the whole step; Keras's other
backends have compilers of their own.
"""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras

_state = {"on": True}


def switch_fusion(on: bool) -> None:
    """Turn it on (as it is at first) or off for what is traced from now on."""
    _state["on"] = on


@contextmanager
def without_fusion() -> Iterator[None]:
    """Turn it off for what the block traces."""
    before = _state["on"]
    switch_fusion(False)
    try:
        yield
    finally:
        switch_fusion(before)


def fused(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function of tensors by XLA, and its gradient apart from it.

    The gradient starts from the function's inputs: what lies between is computed again in
    the same pass, which costs less than to store and read it.

    Args:
        function: takes tensors by position and Python numbers by name, returns one tensor;
            written with Keras's operations.
    """

    @functools.wraps(function)
    def call(*tensors: Any, **numbers: Any) -> Any:
        if not _pays():
            return function(*tensors, **numbers)
        return _with_gradient(*_compiled(function), tensors, numbers)

    return call


def _pays() -> bool:
    if not _state["on"] or keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return not tf.config.list_logical_devices("GPU")


@functools.cache
def _compiled(function: Callable[..., Any]) -> tuple[Any, Any]:
    """The function and its gradient; made once, so that equal shapes are compiled once."""
    import tensorflow as tf

    @tf.function(jit_compile=True)
    def gradient(tensors: Any, upstream: Any, numbers: Any) -> Any:
        # Keys are whole numbers, which have no gradient.
        floating = [tensor for tensor in tensors if tensor.dtype.is_floating]
        with tf.GradientTape() as tape:
            tape.watch(floating)
            value = function(*tensors, **numbers)
        gradients = iter(tape.gradient(value, floating, output_gradients=upstream))
        return [next(gradients) if tensor.dtype.is_floating else None for tensor in tensors]

    return tf.function(function, jit_compile=True), gradient


def _with_gradient(forward: Any, gradient: Any, tensors: Any, numbers: Any) -> Any:
    import tensorflow as tf

    @tf.custom_gradient
    def call(*tensors: Any) -> tuple[Any, Callable[[Any], Any]]:
        return forward(*tensors, **numbers), lambda upstream: gradient(tensors, upstream, numbers)

    # Values, not variables: custom_gradient would ask for the gradients of those apart.
    return call(*map(tf.convert_to_tensor, tensors))
