"""Google's records become the model's arrays, with the masks they were stored with."""

import numpy as np
import pytest

from components.pretrain.google_rows import make_batch
from components.shared.errors import InputError
from components.shared.google_records import Instance, encode_instance
from components.shared.vocabulary import Vocabulary

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
        [encode_instance(RECORD)] * 2, length=8, vocabulary=vocabulary, source="a file"
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
    """The file, and both shapes."""
    longer = Instance(**(vars(RECORD) | {"masked_lm_positions": [2], "masked_lm_ids": [8],
                                         "masked_lm_weights": [1.0]}))  # fmt: skip

    with pytest.raises(InputError, match=r"a file: .* \[\(8, 1\), \(8, 3\)\]"):
        make_batch(
            [encode_instance(RECORD), encode_instance(longer)],
            length=8,
            vocabulary=vocabulary,
            source="a file",
        )
