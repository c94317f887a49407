"""What BERT does between its matrix products, each in one pass over memory.

Computed in float32 whatever the dtype of the arrays; written with Keras's operations.
"""

import math
from collections.abc import Callable
from typing import Any

from keras import ops

from components.shared.bert.fusion import fused


@fused
def gelu(values: Any) -> Any:
    """GELU in its tanh form, as in Google's code: `ops.gelu` cubes by a slow power."""
    x = ops.cast(values, "float32")
    inner = math.sqrt(2 / math.pi) * x * (1 + 0.044715 * x * x)
    return ops.cast(0.5 * x * (1 + ops.tanh(inner)), values.dtype)


@fused
def gelu_erf(values: Any) -> Any:
    """GELU by the error function: the exact one, as transformers' `gelu`."""
    x = ops.cast(values, "float32")
    return ops.cast(0.5 * x * (1 + ops.erf(x * math.sqrt(0.5))), values.dtype)


@fused
def silu(values: Any) -> Any:
    """Values times their sigmoid, also called swish."""
    x = ops.cast(values, "float32")
    return ops.cast(x * ops.sigmoid(x), values.dtype)


NAME_TO_ACTIVATION: dict[str, Callable[[Any], Any]] = {
    "gelu": gelu,
    "gelu_erf": gelu_erf,
    "relu": ops.relu,
    "silu": silu,
    "tanh": ops.tanh,
    "linear": lambda values: values,
}
"""By the names of `hidden_act` in BertConfig."""


@fused
def normalize(values_BLD: Any, gamma_D: Any, beta_D: Any, *, epsilon: float) -> Any:
    """Layer normalization over the last axis."""
    normal_BLD = _normalize(ops.cast(values_BLD, "float32"), gamma_D, beta_D, epsilon)
    return ops.cast(normal_BLD, values_BLD.dtype)


@fused
def add_and_normalize(
    hidden_BLD: Any,
    update_BLD: Any,
    gamma_D: Any,
    beta_D: Any,
    key: Any,
    *,
    rate: float,
    epsilon: float,
) -> Any:
    """Layer normalization of `hidden + dropout(update)`."""
    sum_BLD = ops.cast(hidden_BLD, "float32") + _drop(ops.cast(update_BLD, "float32"), key, rate)
    return ops.cast(_normalize(sum_BLD, gamma_D, beta_D, epsilon), hidden_BLD.dtype)


@fused
def drop(values: Any, key: Any, *, rate: float) -> Any:
    """Set a fraction `rate` of the values to 0 and scale the others up.

    Args:
        values: any shape.
        key: an int32 scalar; equal keys drop equal positions.
        rate: 0 drops nothing.
    """
    return ops.cast(_drop(ops.cast(values, "float32"), key, rate), values.dtype)


def _normalize(values_BLD: Any, gamma_D: Any, beta_D: Any, epsilon: float) -> Any:
    centred_BLD = values_BLD - ops.mean(values_BLD, axis=-1, keepdims=True)
    variance_BL1 = ops.mean(centred_BLD * centred_BLD, axis=-1, keepdims=True)
    return centred_BLD * ops.rsqrt(variance_BL1 + epsilon) * gamma_D + beta_D


def _drop(values: Any, key: Any, rate: float) -> Any:
    if rate == 0:
        return values
    # A hash of position and key: each number by itself, so that it joins the pass over the
    # values and the gradient draws it again. Generators write all their numbers to memory.
    positions = ops.reshape(ops.arange(ops.size(values), dtype="int32"), ops.shape(values))
    bits = mix(ops.bitwise_xor(mix(positions), key))
    kept = ops.less(bits, round((1 - rate) * 2**32) - 2**31)
    return ops.where(kept, values * (1 / (1 - rate)), 0.0)


def mix(bits: Any) -> Any:
    """A bijection of 32 bits in which each input bit reaches each output bit.

    The "lowbias32" constants of Wellons' search for such hashes (nullprogram.com, 2018). On
    int32, which every backend multiplies modulo 2**32; the masks make right shifts logical.
    """
    bits = ops.bitwise_xor(bits, ops.bitwise_and(ops.right_shift(bits, 16), 0xFFFF))
    bits = bits * 0x7FEB352D
    bits = ops.bitwise_xor(bits, ops.bitwise_and(ops.right_shift(bits, 15), 0x1FFFF))
    bits = bits * (0x846CA68B - 2**32)
    return ops.bitwise_xor(bits, ops.bitwise_and(ops.right_shift(bits, 16), 0xFFFF))
