"""Rows become the model's arrays, shared out among processes."""

import numpy as np
import pytest

from components.pretrain.batches import BatchMaker, expand_rows, max_predictions
from components.pretrain.rows import RowReader
from components.shared.records import PackedRow
from components.shared.vocabulary import Vocabulary

LENGTH = 32


@pytest.fixture
def make_maker(dataset_path, vocabulary_path):
    def make(*, rank=0, num_processes=1, num_micro_batches=1, micro_batch_size=8):
        vocabulary = Vocabulary.read(vocabulary_path)
        return BatchMaker(
            RowReader(dataset_path, length=LENGTH, vocabulary=vocabulary, seed=1),
            vocabulary,
            length=LENGTH,
            mask_rate=0.15,
            seed=1,
            rank=rank,
            num_processes=num_processes,
            num_micro_batches=num_micro_batches,
            micro_batch_size=micro_batch_size,
        )

    return make


def test_a_packed_row_is_spelled_out():
    """Positions and segments restart in the second sequence; the rest is padding."""
    row = PackedRow([2, 7, 3, 8, 3, 2, 9, 3], [5, 3], [3, 2], [1, 0])

    arrays = expand_rows([row], length=10)

    assert arrays["token_ids"].tolist() == [[2, 7, 3, 8, 3, 2, 9, 3, 0, 0]]
    assert arrays["segment_ids"].tolist() == [[0, 0, 0, 1, 1, 0, 0, 1, 0, 0]]
    assert arrays["position_ids"].tolist() == [[0, 1, 2, 3, 4, 0, 1, 2, 0, 0]]
    assert arrays["sequence_ids"].tolist() == [[1, 1, 1, 1, 1, 2, 2, 2, 0, 0]]
    assert arrays["cls_positions"].tolist() == [[0, 5]]
    assert arrays["next_sentence_labels"].tolist() == [[1, 0]]
    assert arrays["next_sentence_weights"].tolist() == [[1, 1]]


def test_the_global_batch_is_the_same_however_it_is_shared(make_maker):
    """One process with one micro-batch of 8, or two with two of 2 each: the same 8 rows."""
    (whole,) = make_maker().micro_batches(3)
    parts = [
        micro_batch
        for rank in (0, 1)
        for micro_batch in make_maker(
            rank=rank, num_processes=2, num_micro_batches=2, micro_batch_size=2
        ).micro_batches(3)
    ]

    for name in ("token_ids", "masked_positions", "masked_ids", "sequence_ids"):
        together = np.concatenate([part.arrays[name] for part in parts])
        np.testing.assert_array_equal(together, whole.arrays[name])
    assert sum(part.counts["masked_lm"] for part in parts) == whole.counts["masked_lm"]


def test_counts_are_those_of_the_batch(make_maker):
    """Two sequences a row, 32 tokens a row, one prediction for each weight."""
    (batch,) = make_maker().micro_batches(0)

    assert (batch.num_sequences, batch.num_tokens) == (16, 256)
    assert batch.counts["next_sentence"] == 16
    assert batch.counts["masked_lm"] == batch.arrays["masked_weights"].sum()


@pytest.mark.parametrize(("length", "expected"), [(128, 20), (512, 77)])
def test_a_row_has_room_for_its_share_of_predictions(length, expected):
    """15% of the row, rounded up: Google's 20 at length 128."""
    assert max_predictions(length, 0.15) == expected
