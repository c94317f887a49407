"""Pretraining's losses: of packed rows, and against NumPy's formulas."""

import numpy as np
import pytest
import tensorflow as tf

from components.pretrain.batches import make_packed_batch
from components.pretrain.rows import Row
from components.pretrain.task import PretrainingTask
from components.shared.bert.config import BertConfig
from components.shared.dataset.packed_rows import PackedRow, encode_row
from components.shared.tokens.vocabulary import Vocabulary
from tests.components.pretrain.conftest import CLS, SEP

VOCAB_SIZE = 64
LENGTH = 32


@pytest.fixture(scope="module")
def task() -> PretrainingTask:
    """A task without dropout whose every weight is random: zero biases would hide a fault."""
    config = BertConfig(
        vocab_size=VOCAB_SIZE,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=LENGTH,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    task = PretrainingTask(config, seed=1)
    generator = np.random.default_rng(7)
    for variable in task.model.trainable_variables:
        variable.assign(variable + generator.normal(0, 0.1, variable.shape))
    return task


@pytest.fixture(scope="module")
def packed(vocabulary_path) -> dict[str, np.ndarray]:
    """Two rows, of three and of one sequence, masked and padded, as the trainer gets them."""
    generator = np.random.default_rng(3)
    rows = []
    for number, lengths in enumerate([(12, 7, 9), (20,)]):
        ids, firsts = [], [length // 2 for length in lengths]
        for length, first in zip(lengths, firsts, strict=True):
            words = generator.integers(5, VOCAB_SIZE, length - 3).tolist()
            ids += [CLS, *words[: first - 2], SEP, *words[first - 2 :], SEP]
        labels = [index % 2 for index in range(len(lengths))]
        row = PackedRow(ids, lengths, firsts, labels)
        rows.append(Row(0, number, encode_row(row), vocabulary_path, number))
    return make_packed_batch(
        rows,
        Vocabulary.read(vocabulary_path),
        length=LENGTH,
        mask_rate=0.3,
        whole_word_masking=False,
        seed=1,
    ).arrays


def unpack(packed: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The same sequences, with the same masks, one a row from position 0 on."""
    rows, sequences = np.nonzero(packed["next_sentence_weights"])
    alone = {
        name: np.zeros((len(rows), values.shape[1]), values.dtype)
        for name, values in packed.items()
        if not name.startswith(("next", "cls"))
    }
    for index, (row, sequence) in enumerate(zip(rows, sequences, strict=True)):
        places = np.flatnonzero(packed["sequence_ids"][row] == sequence + 1)
        for name in ("token_ids", "segment_ids", "position_ids"):
            alone[name][index, : len(places)] = packed[name][row, places]
        alone["sequence_ids"][index, : len(places)] = 1
        masked = packed["masked_positions"][row]
        own = np.flatnonzero(np.isin(masked, places) & (packed["masked_weights"][row] > 0))
        alone["masked_positions"][index, : len(own)] = masked[own] - places[0]
        for name in ("masked_ids", "masked_weights"):
            alone[name][index, : len(own)] = packed[name][row, own]
    alone["cls_positions"] = np.zeros((len(rows), 1), np.int32)
    for name in ("next_sentence_labels", "next_sentence_weights"):
        alone[name] = packed[name][rows, sequences][:, None]
    return alone


def losses_and_gradients(task, arrays):
    with tf.GradientTape() as tape:
        sums = task.sums(arrays)
        loss = sums["masked_lm_loss"] / arrays["masked_weights"].sum()
        loss += sums["next_sentence_loss"] / arrays["next_sentence_weights"].sum()
    weights = [weight.value for weight in task.model.trainable_variables]
    gradients = [tf.convert_to_tensor(one).numpy() for one in tape.gradient(loss, weights)]
    return {name: float(value) for name, value in sums.items()}, gradients


def test_the_losses_of_packed_rows_are_those_of_their_sequences_one_a_row(task, packed):
    """Masked LM and next sentence, what is right in each, and the gradient; to 1e-5."""
    alone = unpack(packed)
    assert alone["token_ids"].shape == (4, LENGTH)
    assert alone["masked_weights"].sum() == packed["masked_weights"].sum() > 8

    packed_sums, packed_gradients = losses_and_gradients(task, packed)
    alone_sums, alone_gradients = losses_and_gradients(task, alone)

    assert packed_sums == pytest.approx(alone_sums, rel=1e-5)
    assert packed_sums["next_sentence_loss"] > 1
    for left, right in zip(packed_gradients, alone_gradients, strict=True):
        np.testing.assert_allclose(left, right, atol=1e-5)


def test_the_losses_are_numpys_cross_entropies(task, packed):
    """From the model's own logits: padding has no weight, [CLS] is each sequence's own."""
    piece_logits, next_logits = (np.asarray(one, np.float64) for one in task.model(packed))

    def sum_cross_entropies(logits, targets, weights):
        shifted = logits - logits.max(axis=-1, keepdims=True)
        logs = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
        return -(logs[np.arange(len(logs)), targets.ravel()] * weights.ravel()).sum()

    sums, _ = losses_and_gradients(task, packed)

    assert sums["masked_lm_loss"] == pytest.approx(
        sum_cross_entropies(piece_logits, packed["masked_ids"], packed["masked_weights"]), rel=1e-5
    )
    assert sums["next_sentence_loss"] == pytest.approx(
        sum_cross_entropies(
            next_logits, packed["next_sentence_labels"], packed["next_sentence_weights"]
        ),
        rel=1e-5,
    )
