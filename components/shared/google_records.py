"""Google's records for pretraining: one sequence each, masked beforehand and padded.

Names, types and lengths are those of google-research/bert's create_pretraining_data.py, so
that trainers made for its files read these.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from components.shared.records import Example


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


_FLOATS = "masked_lm_weights"


def encode_instance(instance: Instance) -> bytes:
    """An instance as a serialised tf.train.Example."""
    example = Example()
    for name, values in vars(instance).items():
        feature = example.features.feature[name]
        (feature.float_list if name == _FLOATS else feature.int64_list).value.extend(values)
    # Deterministic: protobuf leaves the order of a map's entries open otherwise.
    return bytes(example.SerializeToString(deterministic=True))


def decode_instance(record: bytes) -> Instance:
    """The instance that `encode_instance` made the record of."""
    feature = Example.FromString(record).features.feature
    return Instance(
        **{
            name: feature[name].float_list.value
            if name == _FLOATS
            else feature[name].int64_list.value
            for name in Instance.__dataclass_fields__
        }
    )
