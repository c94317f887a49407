"""What a training says of a machine that is too small for it."""

import pytest
import tensorflow as tf

from components.shared.errors import InputError
from components.shared.training.train_task import _memory_expected


@pytest.mark.parametrize(
    "work", [lambda: bytearray(1 << 60), lambda: tf.zeros([1 << 50], tf.float32)]
)
def test_too_little_memory_names_the_setting_to_lower(work):
    """Of Python's own, and of TensorFlow's."""
    with (
        pytest.raises(InputError, match="out of memory with micro_batch_size 32; lower it"),
        _memory_expected(32),
    ):
        work()
