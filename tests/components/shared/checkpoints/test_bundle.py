"""Tensor bundles, read as TensorFlow reads them."""

import numpy as np
import pytest
import tensorflow as tf

from components.shared.checkpoints.bundle import BundleWeights
from components.shared.checkpoints.weights import open_weights

NAME_TO_TENSOR = {
    "double": tf.constant([1.5, -2.25], tf.float64),
    "empty": tf.zeros((0, 3)),
    "flag": tf.constant([True, False]),
    "half": tf.constant([[0.5, 65504.0]], tf.float16),
    "short": tf.constant([[1.0, -3.0], [2.5, 1e30]], tf.bfloat16),
    "step": tf.constant(2**40, tf.int64),
    "whole": tf.constant([[-1], [7]], tf.int32),
    # Enough names for several blocks, with long parts in common.
    **{
        f"bert/encoder/layer_{number}/attention/self/query/kernel": tf.fill((2, 3), number * 0.1)
        for number in range(300)
    },
}


def write(prefix, name_to_tensor, slices=None):
    tf.raw_ops.SaveV2(
        prefix=str(prefix),
        tensor_names=list(name_to_tensor),
        shape_and_slices=slices or [""] * len(name_to_tensor),
        tensors=list(name_to_tensor.values()),
    )


def test_all_tensors_are_read_as_tensorflow_reads_them(tmp_path):
    """Names, shapes and values, whatever their type; a bfloat16 becomes the equal float32."""
    write(tmp_path / "model.ckpt", NAME_TO_TENSOR)

    weights = BundleWeights(str(tmp_path / "model.ckpt"))

    assert weights.shapes.keys() == NAME_TO_TENSOR.keys()
    for name, tensor in NAME_TO_TENSOR.items():
        expected = tf.cast(tensor, tf.float32) if name == "short" else tensor
        assert weights.shapes[name] == tensor.shape
        assert weights.read(name).dtype == expected.dtype.as_numpy_dtype
        np.testing.assert_array_equal(weights.read(name), expected.numpy())


def test_an_altered_tensor_is_not_read(tmp_path):
    """Its checksum tells; the others are read."""
    write(tmp_path / "model.ckpt", {"a": tf.ones(4), "b": tf.ones(4)})
    path = tmp_path / "model.ckpt.data-00000-of-00001"
    path.write_bytes(path.read_bytes()[:-1] + b"\x40")

    weights = BundleWeights(str(tmp_path / "model.ckpt"))

    np.testing.assert_array_equal(weights.read("a"), np.ones(4))
    with pytest.raises(ValueError, match="checksum of b"):
        weights.read("b")


def test_partitioned_variables_are_left_to_tensorflow(tmp_path):
    """Parameter servers hold a part of a table each."""
    parts = {"table": tf.constant([[1.0, 2.0]]), "step": tf.constant(3, tf.int64)}
    write(tmp_path / "bert_model.ckpt", parts, slices=["1 2 0,1:0,2", ""])

    weights = open_weights(tmp_path)

    np.testing.assert_array_equal(weights.read("table"), [[1.0, 2.0]])
