"""Rows become the model's arrays, shared out among processes."""

from pathlib import Path

import numpy as np
import pytest

from components.pretrain.batches import BatchMaker, choose_maker, expand_rows, max_predictions
from components.pretrain.config import PretrainConfig
from components.pretrain.dataset_files import find_shards
from components.pretrain.rows import RowReader
from components.shared.dataset.packed_rows import PackedRow
from components.shared.errors import InputError
from components.shared.tokens.vocabulary import Vocabulary

LENGTH = 32


def make_config(dataset, vocabulary, **changes) -> PretrainConfig:
    outputs = {name: Path(name) for name in ("checkpoint", "history", "pretrain_metrics")}
    return PretrainConfig(
        dataset=dataset,
        vocabulary=vocabulary,
        sequence_length=LENGTH,
        seed=1,
        **outputs,
        **changes,
    )


@pytest.fixture
def make_maker(dataset_path, vocabulary_path):
    def make(*, rank=0, num_processes=1, num_micro_batches=1, micro_batch_size=8):
        vocabulary = Vocabulary.read(vocabulary_path)
        shards = find_shards(dataset_path, length=LENGTH, vocabulary=vocabulary)
        config = make_config(dataset_path, vocabulary_path)
        return BatchMaker(
            RowReader(shards, seed=1),
            choose_maker(config, vocabulary, is_packed=True),
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


@pytest.mark.parametrize("numbers", [(2, 1), (1, 4, 2), (8, 3)], ids=str)
def test_a_restart_on_another_number_of_processes_keeps_order_and_global_batch(
    make_maker, dataset_path, vocabulary_path, numbers
):
    """Two updates on each number, over the end of an epoch: the rows of one undisturbed run."""
    config = make_config(
        dataset_path, vocabulary_path, global_batch_size=24, micro_batch_size=4, num_processes=1
    )

    def read(step: int, num_processes: int) -> list[np.ndarray]:
        num_micro_batches, size = config.split_batch(num_processes)
        batches = [
            one
            for rank in range(num_processes)
            for one in make_maker(
                rank=rank,
                num_processes=num_processes,
                num_micro_batches=num_micro_batches,
                micro_batch_size=size,
            ).micro_batches(step)
        ]
        assert sum(len(one.arrays["token_ids"]) for one in batches) == 24
        return [
            np.concatenate([one.arrays[name] for one in batches])
            for name in ("token_ids", "masked_positions", "masked_ids", "masked_weights")
        ]

    for step in range(2 * len(numbers)):
        later = step + 4  # 121 rows: the sixth update begins in one epoch and ends in the next
        for own, whole in zip(read(later, numbers[step // 2]), read(later, 1), strict=True):
            np.testing.assert_array_equal(own, whole)


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


def test_whole_words_come_too_late_for_records_that_are_masked(dataset_path, vocabulary_path):
    """Rather than a setting without effect."""
    config = make_config(dataset_path, vocabulary_path, whole_word_masking=True)

    with pytest.raises(InputError, match="masked already, so whole_word_masking"):
        choose_maker(config, Vocabulary.read(vocabulary_path), is_packed=False)
