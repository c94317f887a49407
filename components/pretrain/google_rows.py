"""Google's records: one sequence each, padded, its masks drawn when the record was made.

As google-research/bert's create_pretraining_data.py and NVIDIA's scripts write them, and
under the names of TensorFlow Model Garden's second version.

Shape suffixes: B records, L positions, P predictions.
"""

from collections.abc import Sequence

import numpy as np

from components.shared.errors import InputError
from components.shared.records import Example
from components.shared.training.trainer import MicroBatch
from components.shared.vocabulary import Vocabulary

_NAMES = (
    "input_ids",
    "input_mask",
    "segment_ids",
    "masked_lm_positions",
    "masked_lm_ids",
    "masked_lm_weights",
    "next_sentence_labels",
)
_FLOATS = "masked_lm_weights"
# Model Garden's names.
_OTHER_NAMES = {"input_ids": "input_word_ids", "segment_ids": "input_type_ids"}
_REMEDY = (
    "give TFRecord files of create_pretraining_data.py, or a dataset of the preprocess stage "
    "with its dataset.json"
)


def check_instance(record: bytes, *, length: int, vocabulary: Vocabulary, source: str) -> None:
    """Look at one record before training starts.

    Raises:
        InputError: naming the source, if it is not such a record, or was made for another
            length or with another vocabulary.
    """
    instance = _decode(record, vocabulary, source)
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
        _decode(record, vocabulary, source) for record, source in zip(records, sources, strict=True)
    ]
    shapes = [(len(one["input_ids"]), len(one["masked_lm_positions"])) for one in instances]
    for shape, source in zip(shapes, sources, strict=True):
        if shape != shapes[0] or shape[0] != length:
            raise InputError(
                f"{source}: has {shape[0]} tokens and {shape[1]} predictions, another record "
                f"{shapes[0][0]} and {shapes[0][1]}; sequence_length is {length}; keep each length "
                "in its own folder"
            )
    stacked = {name: np.stack([one[name] for one in instances]) for name in _NAMES}
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


def _decode(record: bytes, vocabulary: Vocabulary, source: str) -> dict[str, np.ndarray]:
    """Arrays [L], [P] and [1] under Google's names: float32 weights, all else int32.

    Raises:
        InputError: if one is missing, of another length, or holds a value out of its range.
    """
    try:
        feature = Example.FromString(record).features.feature
    except Exception:  # protobuf's DecodeError has no stable home
        raise InputError(f"{source}: a record is no tf.train.Example; {_REMEDY}") from None
    arrays = {}
    for name in _NAMES:
        stored = name if name in feature else _OTHER_NAMES.get(name, name)
        if stored not in feature:
            raise InputError(
                f"{source}: a record has no {name}, only {', '.join(sorted(feature)) or 'nothing'}"
                f"; {_REMEDY}"
            )
        if name == _FLOATS:
            arrays[name] = np.array(feature[stored].float_list.value, np.float32)
        else:
            # Ranges first: a cast to int32 makes small numbers of large ones.
            arrays[name] = np.array(feature[stored].int64_list.value, np.int64)
    same = (("input_ids", _NAMES[1:3]), ("masked_lm_positions", _NAMES[4:6]))
    for first, others in same:
        for other in others:
            if len(arrays[first]) != len(arrays[other]):
                raise InputError(
                    f"{source}: a record has {len(arrays[first])} {first} and "
                    f"{len(arrays[other])} {other}; {_REMEDY}"
                )
    if len(arrays["next_sentence_labels"]) != 1:
        raise InputError(
            f"{source}: a record has {len(arrays['next_sentence_labels'])} next_sentence_labels, "
            f"not one; {_REMEDY}"
        )
    _expect_ranges(arrays, vocabulary, source)
    return {
        name: values if name == _FLOATS else values.astype(np.int32)
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
