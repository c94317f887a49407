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
    instance = _decode(record, source)
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
    _expect_known([instance["input_ids"], instance["masked_lm_ids"]], vocabulary, source)


def make_batch(
    records: Sequence[bytes], *, length: int, vocabulary: Vocabulary, source: str
) -> MicroBatch:
    """The model's arrays of some records, their masks as stored.

    Raises:
        InputError: if the records are not all alike, or hold unknown ids.
    """
    instances = [_decode(record, source) for record in records]
    shapes = {(len(one["input_ids"]), len(one["masked_lm_positions"])) for one in instances}
    if len(shapes) > 1 or next(iter(shapes))[0] != length:
        raise InputError(
            f"{source}: the records are not all of one shape; tokens and predictions: "
            f"{sorted(shapes)}; sequence_length is {length}; keep each length in its own folder"
        )
    stacked = {name: np.stack([one[name] for one in instances]) for name in _NAMES}
    _expect_known([stacked["input_ids"], stacked["masked_lm_ids"]], vocabulary, source)
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


def _decode(record: bytes, source: str) -> dict[str, np.ndarray]:
    """Arrays [L], [P] and [1] under Google's names: float32 weights, all else int32."""
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
            arrays[name] = np.array(feature[stored].int64_list.value, np.int32)
    same = (("input_ids", _NAMES[1:3]), ("masked_lm_positions", _NAMES[4:6]))
    for first, others in same:
        for other in others:
            if len(arrays[first]) != len(arrays[other]):
                raise InputError(
                    f"{source}: a record has {len(arrays[first])} {first} and "
                    f"{len(arrays[other])} {other}; {_REMEDY}"
                )
    return arrays


def _expect_known(ids: Sequence[np.ndarray], vocabulary: Vocabulary, source: str) -> None:
    largest = max(int(some.max(initial=0)) for some in ids)
    if largest >= len(vocabulary):
        raise InputError(
            f"{source}: holds id {largest}, the vocabulary given has {len(vocabulary)} pieces; "
            "give the one the records were made with"
        )
