"""Google's records become the model's arrays, with the masks they were stored with."""

import numpy as np
import pytest

from components.pretrain.google_rows import make_batch
from components.shared.dataset.google_records import Instance, encode_instance
from components.shared.errors import InputError
from components.shared.tokens.vocabulary import Vocabulary

RECORD = Instance(
    input_ids=[2, 7, 4, 3, 9, 3, 0, 0],
    input_mask=[1, 1, 1, 1, 1, 1, 0, 0],
    segment_ids=[0, 0, 0, 0, 1, 1, 0, 0],
    masked_lm_positions=[2, 4, 0],
    masked_lm_ids=[8, 9, 0],
    masked_lm_weights=[1.0, 1.0, 0.0],
    next_sentence_labels=[1],
)


@pytest.fixture(scope="module")
def vocabulary(vocabulary_path) -> Vocabulary:
    return Vocabulary.read(vocabulary_path)


def test_a_record_is_trained_on_as_it_is_stored(vocabulary):
    """One sequence a row from position 0, predictions and [MASK] where they were drawn."""
    batch = make_batch(
        [encode_instance(RECORD)] * 2, length=8, vocabulary=vocabulary, sources=["a", "b"]
    )
    arrays = {name: values[1].tolist() for name, values in batch.arrays.items()}

    assert arrays == {
        "token_ids": [2, 7, 4, 3, 9, 3, 0, 0],
        "segment_ids": [0, 0, 0, 0, 1, 1, 0, 0],
        "position_ids": [0, 1, 2, 3, 4, 5, 6, 7],
        "sequence_ids": [1, 1, 1, 1, 1, 1, 0, 0],
        "masked_positions": [2, 4, 0],
        "masked_ids": [8, 9, 0],
        "masked_weights": [1, 1, 0],
        "cls_positions": [0],
        "next_sentence_labels": [1],
        "next_sentence_weights": [1],
    }
    assert batch.counts == {"masked_lm": 4, "next_sentence": 2}
    assert (batch.num_sequences, batch.num_tokens) == (2, 12)
    assert {values.dtype for values in batch.arrays.values()} == {
        np.dtype("int32"),
        np.dtype("float32"),
    }


def test_records_of_two_lengths_in_one_folder_are_named(vocabulary):
    """The record, and both shapes."""
    longer = Instance(**(vars(RECORD) | {"masked_lm_positions": [2], "masked_lm_ids": [8],
                                         "masked_lm_weights": [1.0]}))  # fmt: skip

    with pytest.raises(InputError, match="a, record 1: has 8 tokens and 1 predictions, .* 3;"):
        make_batch(
            [encode_instance(RECORD), encode_instance(longer)],
            length=8,
            vocabulary=vocabulary,
            sources=["a, record 0", "a, record 1"],
        )


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("input_ids", [2, 7, 4, 3, 64, 3, 0, 0], "input_ids must be 0 to 63, got 64; the vocab"),
        ("input_ids", [2, 7, -4, 3, 9, 3, 0, 0], "input_ids must be 0 to 63, got -4"),
        (
            "input_ids",
            [2, 7, 2**32 + 4, 3, 9, 3, 0, 0],
            "input_ids must be 0 to 63, got 42949",
        ),
        ("input_mask", [1, 1, 1, 1, 2, 1, 0, 0], "input_mask must be 0 to 1, got 2"),
        ("segment_ids", [0, 0, 0, 0, 7, 1, 0, 0], "segment_ids must be 0 to 1, got 7; make the"),
        ("masked_lm_positions", [2, 8, 0], "masked_lm_positions must be 0 to 7, got 8"),
        ("masked_lm_positions", [2, -1, 0], "masked_lm_positions must be 0 to 7, got -1"),
        ("masked_lm_ids", [8, 99, 0], "masked_lm_ids must be 0 to 63, got 99"),
        (
            "masked_lm_weights",
            [1.0, float("nan"), 0.0],
            "masked_lm_weights must be .* got nan",
        ),
        ("masked_lm_weights", [1.0, 20.0, 0.0], "masked_lm_weights must be 0 to 1, got 20"),
        ("next_sentence_labels", [2], "next_sentence_labels must be 0 to 1, got 2"),
        ("next_sentence_labels", [0, 1], "a record has 2 next_sentence_labels, not one"),
    ],
)
def test_a_value_out_of_its_range_is_named_with_the_record(vocabulary, name, values, message):
    """The model would train on it without a word."""
    wrong = Instance(**(vars(RECORD) | {name: values}))

    with pytest.raises(InputError, match=f"x.tfrecord, record 8: {message}"):
        make_batch(
            [encode_instance(RECORD), encode_instance(wrong)],
            length=8,
            vocabulary=vocabulary,
            sources=["x.tfrecord, record 3", "x.tfrecord, record 8"],
        )
