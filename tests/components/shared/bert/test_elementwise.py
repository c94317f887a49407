"""What lies between BERT's matrix products, compiled and not."""

import logging

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.shared.bert.config import ACTIVATIONS
from components.shared.bert.elementwise import (
    NAME_TO_ACTIVATION,
    add_and_normalize,
    drop,
    gelu,
    gelu_erf,
    normalize,
    silu,
)
from components.shared.bert.fusion import fused, switch_fusion

GENERATOR = np.random.default_rng(5)
HIDDEN, UPDATE, UPSTREAM = (GENERATOR.normal(0, 2, (2, 3, 8)).astype(np.float32) for _ in range(3))
GAMMA, BETA = (GENERATOR.normal(1, 0.5, 8).astype(np.float32) for _ in range(2))
KEY = np.int32(-77)


@pytest.fixture(autouse=True)
def _fusion_on():
    yield
    switch_fusion(True)


def value_and_gradients(function, arrays, **numbers):
    tensors = [tf.constant(array) for array in arrays]
    floats = [tensor for tensor in tensors if tensor.dtype.is_floating]
    with tf.GradientTape() as tape:
        tape.watch(floats)
        value = function(*tensors, **numbers)
    return [value, *tape.gradient(value, floats, output_gradients=tf.constant(UPSTREAM))]


@pytest.mark.parametrize(
    ("function", "arrays", "numbers"),
    [
        (gelu, [HIDDEN], {}),
        (gelu_erf, [HIDDEN], {}),
        (silu, [HIDDEN], {}),
        (normalize, [HIDDEN, GAMMA, BETA], {"epsilon": 1e-12}),
        (
            add_and_normalize,
            [HIDDEN, UPDATE, GAMMA, BETA, KEY],
            {"rate": 0.3, "epsilon": 1e-12},
        ),
        (drop, [HIDDEN, KEY], {"rate": 0.3}),
    ],
    ids=["gelu", "gelu_erf", "silu", "normalize", "add_and_normalize", "drop"],
)
def test_compiled_and_plain_give_the_same(function, arrays, numbers):
    """Values and gradients alike, dropout on: both draw the same positions."""
    compiled = value_and_gradients(function, arrays, **numbers)
    switch_fusion(False)
    plain = value_and_gradients(function, arrays, **numbers)

    for left, right in zip(compiled, plain, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-5, atol=1e-5)


def test_each_activation_is_keras_activation():
    """Within rounding; gelu is the tanh form, gelu_erf the exact one, some 0.0005 apart."""
    expected = {
        "gelu": keras.ops.gelu(HIDDEN, approximate=True),
        "gelu_erf": keras.ops.gelu(HIDDEN, approximate=False),
        "relu": keras.ops.relu(HIDDEN),
        "silu": keras.ops.silu(HIDDEN),
        "tanh": keras.ops.tanh(HIDDEN),
        "linear": HIDDEN,
    }

    assert NAME_TO_ACTIVATION.keys() == set(ACTIVATIONS)
    for name, activate in NAME_TO_ACTIVATION.items():
        np.testing.assert_allclose(
            activate(tf.constant(HIDDEN)), expected[name], rtol=1e-5, atol=1e-6, err_msg=name
        )


@pytest.mark.parametrize("epsilon", [1e-12, 1e-5, 0.1])
def test_normalize_is_keras_layer_normalization(epsilon):
    """BERT's epsilon, and others."""
    layer = keras.layers.LayerNormalization(epsilon=epsilon)
    layer.build(HIDDEN.shape)
    layer.set_weights([GAMMA, BETA])

    normal = normalize(HIDDEN, GAMMA, BETA, epsilon=epsilon)

    np.testing.assert_allclose(normal, layer(HIDDEN), rtol=1e-5, atol=1e-5)


def test_dropout_drops_its_rate_and_keeps_the_mean():
    """Of a million values: five deviations are 0.0015."""
    dropped = np.asarray(drop(np.ones((1000, 1000), np.float32), KEY, rate=0.1))

    assert (dropped == 0).mean() == pytest.approx(0.1, abs=0.0015)
    assert dropped.max() == pytest.approx(1 / 0.9)
    assert dropped.mean() == pytest.approx(1, abs=0.002)


def test_dropped_positions_look_independent():
    """Of neighbors, of rows and of keys: no two patterns agree more than chance has it."""
    ones = np.ones((1000, 1000), np.float32)
    first = np.asarray(drop(ones, np.int32(1), rate=0.5)) == 0
    second = np.asarray(drop(ones, np.int32(2), rate=0.5)) == 0

    pairs = [
        (first[:, 1:], first[:, :-1]),
        (first[1:], first[:-1]),
        (first, second),
        (first[:, 1:], second[:, :-1]),
    ]
    for left, right in pairs:
        assert (left == right).mean() == pytest.approx(0.5, abs=0.0025)
    assert first.mean(axis=0).std() == pytest.approx(0.5 / 1000**0.5, rel=0.2)


def test_equal_keys_drop_equal_positions():
    """A restarted run repeats its draws."""
    first, again = (np.asarray(drop(HIDDEN, KEY, rate=0.5)) for _ in range(2))

    np.testing.assert_array_equal(first, again)


def test_a_key_is_not_asked_for_a_gradient():
    """TensorFlow would warn of whole numbers in each rank's log."""
    messages = []
    handler = logging.Handler()
    handler.emit = messages.append
    tf.get_logger().addHandler(handler)
    try:
        value_and_gradients(fused(lambda x, key: x * 2.0), [HIDDEN, KEY])
    finally:
        tf.get_logger().removeHandler(handler)

    assert not [one for one in messages if "must be floating" in one.getMessage()]
