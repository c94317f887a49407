"""Google's records: one sequence each, padded, its masks drawn when the record was made.

Shape suffixes: B records, L positions, P predictions.
"""

from collections.abc import Sequence

import numpy as np

from components.shared.dataset.google_records import FLOATS, decode_instance
from components.shared.errors import InputError
from components.shared.tokens.vocabulary import Vocabulary
from components.shared.training.micro_batches import MicroBatch


def check_instance(record: bytes, *, length: int, vocabulary: Vocabulary, source: str) -> None:
    """Look at one record before training starts.

    Raises:
        InputError: naming the source, if it is not such a record, or was made for another
            length or with another vocabulary.
    """
    instance = _read_arrays(record, vocabulary, source)
    if len(instance["input_ids"]) != length:
        raise InputError(
            f"{source}: its records hold {len(instance['input_ids'])} tokens, sequence_length is "
            f"{length}; set it to that, or give the records made for {length}"
        )
    if instance["input_ids"][0] != vocabulary.cls_id:
        raise InputError(
            f"{source}: its first record begins with id {instance['input_ids'][0]}, [CLS] is "
            f"{vocabulary.cls_id} in the vocabulary given; give the one the records were made with"
        )


def make_batch(
    records: Sequence[bytes], *, length: int, vocabulary: Vocabulary, sources: Sequence[str]
) -> MicroBatch:
    """Make the model's arrays of some records, with their masks as stored.

    Args:
        records: B of them.
        length: tokens of each.
        vocabulary: that they were made with.
        sources: what messages call each record: its file and its place there.

    Raises:
        InputError: if the records are not all alike, or hold a value out of its range.
    """
    instances = [
        _read_arrays(record, vocabulary, source)
        for record, source in zip(records, sources, strict=True)
    ]
    shapes = [(len(one["input_ids"]), len(one["masked_lm_positions"])) for one in instances]
    for shape, source in zip(shapes, sources, strict=True):
        if shape != shapes[0] or shape[0] != length:
            raise InputError(
                f"{source}: has {shape[0]} tokens and {shape[1]} predictions, another record "
                f"{shapes[0][0]} and {shapes[0][1]}; sequence_length is {length}; keep each length "
                "in its own folder"
            )
    stacked = {name: np.stack([one[name] for one in instances]) for name in instances[0]}
    num_records = len(records)
    arrays = {
        "token_ids": stacked["input_ids"],
        "segment_ids": stacked["segment_ids"],
        "position_ids": np.broadcast_to(np.arange(length, dtype=np.int32), (num_records, length)),
        "sequence_ids": stacked["input_mask"],
        "masked_positions": stacked["masked_lm_positions"],
        "masked_ids": stacked["masked_lm_ids"],
        "masked_weights": stacked["masked_lm_weights"],
        "cls_positions": np.zeros((num_records, 1), np.int32),
        "next_sentence_labels": stacked["next_sentence_labels"],
        "next_sentence_weights": np.ones((num_records, 1), np.float32),
    }
    counts = {
        "masked_lm": float(arrays["masked_weights"].sum()),
        "next_sentence": float(num_records),
    }
    return MicroBatch(
        arrays,
        counts,
        num_sequences=num_records,
        num_tokens=int(arrays["sequence_ids"].sum()),
        num_positions=arrays["token_ids"].size,
    )


def _read_arrays(record: bytes, vocabulary: Vocabulary, source: str) -> dict[str, np.ndarray]:
    """Arrays [L], [P] and [1] under Google's names: float32 weights, all else int32.

    Raises:
        InputError: if one is missing, of another length, or holds a value out of its range.
    """
    # int64 until the ranges are known: a cast to int32 makes small numbers of large ones.
    arrays = {
        name: np.array(values, np.float32 if name == FLOATS else np.int64)
        for name, values in vars(decode_instance(record, source=source)).items()
    }
    _expect_ranges(arrays, vocabulary, source)
    return {
        name: values if name == FLOATS else values.astype(np.int32)
        for name, values in arrays.items()
    }


def _expect_ranges(arrays: dict[str, np.ndarray], vocabulary: Vocabulary, source: str) -> None:
    # The model would read nothing, or another row, for most numbers beyond these.
    name_to_most = {
        "input_ids": len(vocabulary) - 1,
        "input_mask": 1,
        "segment_ids": 1,
        "masked_lm_positions": len(arrays["input_ids"]) - 1,
        "masked_lm_ids": len(vocabulary) - 1,
        "masked_lm_weights": 1,
        "next_sentence_labels": 1,
    }
    for name, most in name_to_most.items():
        values = arrays[name]
        wrong = values[~((values >= 0) & (values <= most))]  # NaN is neither
        if not wrong.size:
            continue
        remedy = "make the records again"
        if name.endswith("_ids") and name != "segment_ids":
            remedy = (
                f"the vocabulary given has {len(vocabulary)} pieces: give the one the records "
                "were made with"
            )
        raise InputError(f"{source}: {name} must be 0 to {most}, got {wrong[0]}; {remedy}")
