"""Operations of a step: by hand, and by TensorFlow's count of its graph."""

from functools import partial

import numpy as np
import pytest
import tensorflow as tf

from components.finetune.classification.task import ClassificationTask
from components.finetune.squad.task import SpanTask
from components.pretrain.task import PretrainingTask
from components.shared.bert.config import BertConfig
from components.shared.bert.flops import count_pretraining_flops, count_span_flops, find_peak

SMALL = BertConfig(
    vocab_size=7, hidden_size=4, num_hidden_layers=2, num_attention_heads=2, intermediate_size=8
)


def test_the_count_is_that_of_a_small_model_by_hand():
    """Two layers of width 4, three rows of 5 tokens, 2 masked and 1 sequence in each."""
    layer = 15 * (4 * 4 * 4 + 2 * 4 * 8) + 3 * (2 * 5 * 5 * 4)
    heads = 6 * (4 * 4 + 4 * 7) + 3 * (4 * 4 + 4 * 2)

    counted = count_pretraining_flops(SMALL, num_rows=3, length=5, num_masked=6, num_sequences=3)

    assert counted == 6 * (2 * layer + heads) == 32_256
    assert count_span_flops(SMALL, num_rows=3, length=5) == 6 * (2 * layer + 15 * 4 * 2)


def test_base_needs_six_operations_a_weight_and_token_and_those_of_attention():
    """The rule of thumb of 6 N D, for the 84.9 million weights of BERT-Base's layers."""
    base = BertConfig.preset("base", vocab_size=30522)
    matrices = 12 * (4 * 768**2 + 2 * 768 * 3072)

    counted = count_span_flops(base, num_rows=8, length=128)

    attention = 6 * 12 * 2 * 128 * 768
    assert counted == 8 * 128 * (6 * matrices + attention + 6 * 2 * 768)


def _arrays(num_rows: int, length: int) -> dict[str, np.ndarray]:
    names = ("token_ids", "segment_ids", "position_ids", "sequence_ids")
    arrays = {name: np.ones((num_rows, length), np.int32) for name in names}
    for name, count in {"masked": length // 8, "cls": 2}.items():
        arrays[f"{name}_positions"] = np.zeros((num_rows, count), np.int32)
    shape = arrays["masked_positions"].shape
    arrays |= {"masked_ids": np.ones(shape, np.int32), "masked_weights": np.ones(shape, np.float32)}
    shape = arrays["cls_positions"].shape
    arrays["next_sentence_labels"] = np.ones(shape, np.int32)
    arrays["next_sentence_weights"] = np.ones(shape, np.float32)
    arrays |= {
        name: np.ones(num_rows, np.int32)
        for name in ("start_positions", "end_positions", "targets")
    }
    return arrays


@pytest.mark.parametrize(
    "make_task",
    [PretrainingTask, SpanTask, partial(ClassificationTask, labels="abc")],
    ids=["pretraining", "spans", "labels"],
)
def test_tensorflow_counts_as_many_in_the_graph_of_the_step(make_task):
    """Its profiler adds up the matrix products of forward and backward; within 2%."""
    config = BertConfig(
        vocab_size=500,
        hidden_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=512,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    task = make_task(config, seed=1)
    arrays = _arrays(4, 64)
    weights = [weight.value for weight in task.model.trainable_variables]

    def step(arrays):
        with tf.GradientTape() as tape:
            sums = task.sums(arrays)
            loss = tf.add_n([sums[name] for name in sums if name.endswith("_loss")])
        return [tf.convert_to_tensor(g) for g in tape.gradient(loss, weights)]

    assert task.flops(arrays) == pytest.approx(_count_in_graph(step, arrays), rel=0.02)


def _count_in_graph(step, arrays) -> int:
    graph = tf.function(step).get_concrete_function(arrays).graph
    options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
    options["output"] = "none"
    return tf.compat.v1.profiler.profile(graph, options=options).total_float_ops


@pytest.mark.parametrize(
    ("device", "precision", "peak"),
    [
        ("Tesla V100-SXM2-16GB", "mixed_float16", 125e12),
        ("Tesla V100-SXM2-16GB", "mixed_bfloat16", None),
        ("NVIDIA A100-SXM4-40GB", "mixed_bfloat16", 312e12),
        ("NVIDIA A100-SXM4-40GB MIG 1g.5gb", "mixed_bfloat16", None),
        ("NVIDIA H100 80GB HBM3", "float32", 494e12),
        ("NVIDIA H100 PCIe", "mixed_bfloat16", None),
        ("", "float32", None),
    ],
)
def test_a_peak_is_known_by_the_name_of_the_device(device, precision, peak):
    """A slice, another form or another device has none."""
    assert find_peak(device, precision) == peak
