"""The loss of an answer's place: NumPy's formula, untouched by padding, compiled a few times."""

import horovod.tensorflow as hvd
import keras
import numpy as np
import pytest

from components.finetune.batches import SequenceBatches
from components.finetune.squad.task import SpanTask
from components.shared.bert.config import BertConfig
from tests.benchmarks.measuring.optimizer_steps import make_train
from tests.components.finetune.test_batches import make_windows

LENGTH = 64
CONFIG = BertConfig(
    vocab_size=128,
    hidden_size=32,
    num_hidden_layers=1,
    num_attention_heads=2,
    intermediate_size=64,
    max_position_embeddings=LENGTH,
    hidden_dropout_prob=0.0,
    attention_probs_dropout_prob=0.0,
)


@pytest.fixture
def task() -> SpanTask:
    """Every weight is random: zero biases would hide a fault."""
    hvd.init()
    keras.utils.set_random_seed(1)
    keras.config.set_dtype_policy("float32")
    task = SpanTask(CONFIG, seed=1)
    generator = np.random.default_rng(7)
    for variable in task.model.trainable_variables:
        variable.assign(variable + generator.normal(0, 0.1, variable.shape))
    return task


def make_arrays(padding: int) -> dict[str, np.ndarray]:
    """Three windows of 20, 14 and 9 tokens; the last one points at [CLS]."""
    lengths = np.array([20, 14, 9])
    generator = np.random.default_rng(3)
    token_ids = generator.integers(5, CONFIG.vocab_size, (3, 20)) * (
        np.arange(20) < lengths[:, None]
    )
    segment_ids = (np.arange(20) >= 5) * (token_ids != 0)
    padded = [
        np.pad(one, ((0, 0), (0, padding))).astype(np.int32) for one in (token_ids, segment_ids)
    ]
    return {
        "token_ids": padded[0],
        "segment_ids": padded[1],
        "start_positions": np.array([7, 6, 0], np.int32),
        "end_positions": np.array([9, 6, 0], np.int32),
    }


@pytest.mark.parametrize("padding", [0, 12])
def test_the_loss_is_the_mean_of_the_starts_and_the_ends(task, padding):
    """Cross-entropies over the tokens that are there, summed over the windows."""
    arrays = make_arrays(padding)

    sums = task.sums(arrays)

    logits = [np.array(one) for one in task.model(make_arrays(0), training=False)]
    losses, hits = np.zeros((2, 3)), np.zeros((2, 3))
    for part, name in enumerate(("start_positions", "end_positions")):
        for row, target in enumerate(arrays[name]):
            scores = logits[part][row, : np.count_nonzero(arrays["token_ids"][row])]
            losses[part, row] = np.log(np.exp(scores).sum()) - scores[target]
            hits[part, row] = scores.argmax() == target
    assert float(sums["span_loss"]) == pytest.approx(losses.mean(axis=0).sum(), rel=1e-4)
    assert float(sums["span_accuracy"]) == hits.prod(axis=0).sum()


def test_an_update_is_compiled_once_for_each_of_the_few_lengths(task):
    """Two epochs of sixty lengths: four graphs, of 16, 32, 48 and 64 tokens."""
    windows = make_windows(range(4, 64))
    zeros = np.zeros(len(windows), np.int32)
    batches = SequenceBatches(
        windows,
        {"start_positions": zeros, "end_positions": zeros},
        loss="span",
        noun="windows",
        global_batch_size=4,
        num_micro_batches=1,
        micro_batch_size=4,
        rank=0,
        seed=1,
    )
    num_traced, sums = [], task.sums
    task.sums = lambda arrays: num_traced.append(arrays["token_ids"].shape) or sums(arrays)

    make_train(task, precision="float32")([batches.micro_batches(step)[0] for step in range(30)])

    assert sorted(shape[1] for shape in num_traced) == [16, 32, 48, 64]
