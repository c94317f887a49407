"""Google's records for pretraining: one sequence each, masked beforehand and padded.

Names, types and lengths are those of google-research/bert's create_pretraining_data.py, so
that trainers made for its files read these. NVIDIA's scripts write the same; TensorFlow Model
Garden's second version has other names for two features, which are read as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from components.shared.dataset.examples import Example
from components.shared.errors import InputError


@dataclass(frozen=True)
class Instance:
    """One sequence `[CLS] A [SEP] B [SEP]`, padded to S tokens and P predictions."""

    input_ids: Sequence[int]
    """int64 [S] pieces, some of them masked; 0 is padding."""
    input_mask: Sequence[int]
    """int64 [S] 1 for a token, 0 for padding."""
    segment_ids: Sequence[int]
    """int64 [S] 0 for `[CLS] A [SEP]` and padding, 1 for `B [SEP]`."""
    masked_lm_positions: Sequence[int]
    """int64 [P] places to predict, ascending; 0 is padding."""
    masked_lm_ids: Sequence[int]
    """int64 [P] the pieces that stood there; 0 is padding."""
    masked_lm_weights: Sequence[float]
    """float32 [P] 1 for a prediction, 0 for padding."""
    next_sentence_labels: Sequence[int]
    """int64 [1] 1 where B is a random text, 0 where it follows A."""


FLOATS = "masked_lm_weights"
"""The only feature that holds floats."""
# Model Garden's names.
_OTHER_NAMES = {"input_ids": "input_word_ids", "segment_ids": "input_type_ids"}
# Features of S and of P values.
_EQUALLY_LONG = (
    ("input_ids", "input_mask", "segment_ids"),
    ("masked_lm_positions", "masked_lm_ids", FLOATS),
)
_REMEDY = (
    "give TFRecord files of create_pretraining_data.py, or a dataset of the preprocess stage "
    "with its dataset.json"
)


def encode_instance(instance: Instance) -> bytes:
    """Serialize an instance as a tf.train.Example."""
    example = Example()
    for name, values in vars(instance).items():
        feature = example.features.feature[name]
        (feature.float_list if name == FLOATS else feature.int64_list).value.extend(values)
    # Deterministic: protobuf leaves the order of a map's entries open otherwise.
    return bytes(example.SerializeToString(deterministic=True))


def decode_instance(record: bytes, *, source: str) -> Instance:
    """Read the instance in a serialized tf.train.Example.

    Args:
        record: the record's bytes.
        source: what errors call the record: its file and its place there.

    Raises:
        InputError: if it is something else, or a feature is missing or of another length.
    """
    try:
        feature = Example.FromString(record).features.feature
    except Exception:  # protobuf's DecodeError has no stable home
        raise InputError(f"{source}: a record is not a tf.train.Example; {_REMEDY}") from None
    fields = {}
    for name in Instance.__dataclass_fields__:
        stored = name if name in feature else _OTHER_NAMES.get(name, name)
        if stored not in feature:
            raise InputError(
                f"{source}: a record has no {name}, only {', '.join(sorted(feature)) or 'nothing'}"
                f"; {_REMEDY}"
            )
        values = feature[stored].float_list if name == FLOATS else feature[stored].int64_list
        fields[name] = values.value
    for first, *others in _EQUALLY_LONG:
        for other in others:
            if len(fields[first]) != len(fields[other]):
                raise InputError(
                    f"{source}: a record has {len(fields[first])} {first} and "
                    f"{len(fields[other])} {other}; {_REMEDY}"
                )
    if (count := len(fields["next_sentence_labels"])) != 1:
        raise InputError(f"{source}: a record has {count} next_sentence_labels, not one; {_REMEDY}")
    return Instance(**fields)
