"""Floating-point operations that a training step needs, and those that a device can do.

Counted are the matrix products, two operations for each product of two numbers, forward and
backward; what lies between them is a few percent. Lengths are those of the arrays, with
padding, in attention too: all of it is computed. What is lost to padding shows in the tokens
a second with and without it. Operations done twice to save memory would not count.
"""

from components.shared.bert.config import BertConfig

# Backward, each product has two: the gradient of its input and that of its weights.
_PASSES = 3

# NVIDIA's datasheets of V100, A100, H100 and H200, without sparsity; by how TensorFlow's
# names of the devices begin, as H100s of other forms (PCIe, NVL) are slower. float32 is done
# in TF32 where there is one, which is TensorFlow's default.
_V100 = {"float32": 15.7e12, "mixed_float16": 125e12}
_A100 = {"float32": 156e12, "mixed_float16": 312e12, "mixed_bfloat16": 312e12}
_H100 = {"float32": 494e12, "mixed_float16": 989e12, "mixed_bfloat16": 989e12}
_DEVICE_TO_PEAKS = {
    "Tesla V100-SXM2": _V100,
    "Tesla V100-SXM3": _V100,
    "A100-": _A100,
    "NVIDIA A100": _A100,
    "NVIDIA H100 80GB HBM3": _H100,
    "NVIDIA H200": _H100,
}


def count_pretraining_flops(
    config: BertConfig, *, num_rows: int, length: int, num_masked: int, num_sequences: int
) -> int:
    """Operations of a micro-batch of pretraining, forward and backward.

    Args:
        config: the architecture.
        num_rows: rows.
        length: tokens of a row, with padding.
        num_masked: positions of all rows that meet the vocabulary, with padding.
        num_sequences: [CLS] positions of all rows, with padding.
    """
    width = config.hidden_size
    masked = num_masked * width * (width + config.vocab_size)
    pooled = num_sequences * width * (width + 2)
    encoder = _count_encoder_products(config, num_rows=num_rows, length=length)
    return 2 * _PASSES * (encoder + masked + pooled)


def count_span_flops(config: BertConfig, *, num_rows: int, length: int) -> int:
    """Operations of a micro-batch of fine-tuning on answer spans, forward and backward."""
    ends = num_rows * length * config.hidden_size * 2
    encoder = _count_encoder_products(config, num_rows=num_rows, length=length)
    return 2 * _PASSES * (encoder + ends)


def count_classifier_flops(
    config: BertConfig, *, num_rows: int, length: int, num_labels: int
) -> int:
    """Operations of a micro-batch of fine-tuning a classifier, forward and backward."""
    pooled = num_rows * config.hidden_size * (config.hidden_size + num_labels)
    encoder = _count_encoder_products(config, num_rows=num_rows, length=length)
    return 2 * _PASSES * (encoder + pooled)


def find_peak(device: str, precision: str) -> float | None:
    """A device's peak in operations a second, by TensorFlow's name of it; None if unknown."""
    if "MIG" in device:  # a slice of one
        return None
    for name, peaks in _DEVICE_TO_PEAKS.items():
        if device.startswith(name):
            return peaks.get(precision)
    return None


def _count_encoder_products(config: BertConfig, *, num_rows: int, length: int) -> int:
    """Products of two numbers, forward; the embeddings are looked up."""
    width = config.hidden_size
    # Query, key, value and output; then the two of the feed-forward network.
    a_token = 4 * width * width + 2 * width * config.intermediate_size
    # Scores and the mixing of values: each position with each of its row.
    a_token += 2 * length * width
    return config.num_hidden_layers * num_rows * length * a_token
