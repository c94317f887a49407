"""The records between preprocessing and pretraining: packed rows.

A row of a dataset for length L holds up to L real tokens: one or more sequences
`[CLS] A [SEP] B [SEP]`, one after another, unmasked and unpadded. Everything else a
trainer needs (positions, segments, attention, padding) follows from the lengths.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

from components.shared.dataset.examples import Example

# Tags of protobuf's wire format: the field's number, and 2 for "length first" in the low bits.
_FEATURES = _ENTRY = _KEY = _VALUES = b"\x0a"
_VALUE, _INT64_LIST = b"\x12", b"\x1a"


@dataclass(frozen=True)
class PackedRow:
    """One row: several sequence pairs, one after another."""

    token_ids: Sequence[int]
    """[tokens] ids of all sequences, with their [CLS] and [SEP]."""
    sequence_lengths: Sequence[int]
    """[sequences] tokens of each sequence; their sum is the number of token_ids."""
    first_segment_lengths: Sequence[int]
    """[sequences] how many of them belong to `[CLS] A [SEP]`, which is segment 0."""
    next_sentence_labels: Sequence[int]
    """[sequences] 1 where B is a random text, 0 where it follows A (Google's labels)."""


def encode_row(row: PackedRow) -> bytes:
    """Serialize a row as a tf.train.Example of int64 lists."""
    return assemble_row(
        token_varints=b"".join(map(encode_varint, row.token_ids)),
        sequence_lengths=row.sequence_lengths,
        first_segment_lengths=row.first_segment_lengths,
        next_sentence_labels=row.next_sentence_labels,
    )


def assemble_row(
    *,
    token_varints: bytes,
    sequence_lengths: Sequence[int],
    first_segment_lengths: Sequence[int],
    next_sentence_labels: Sequence[int],
) -> bytes:
    """Serialize a row whose token_ids are varints already.

    The bytes are those that protobuf serializes deterministically: map entries in the order of
    their keys. Putting them together here takes a tenth of protobuf's time, since a row's ids
    are cut out of those of whole documents.
    """
    features = (
        _short_feature(b"first_segment_lengths", tuple(first_segment_lengths))
        + _short_feature(b"next_sentence_labels", tuple(next_sentence_labels))
        + _short_feature(b"sequence_lengths", tuple(sequence_lengths))
        + _feature(b"token_ids", token_varints)
    )
    return _delimited(_FEATURES, features)


@functools.lru_cache(maxsize=1 << 16)
def encode_varint(value: int) -> bytes:
    """Encode a number of 0 or more as protobuf does: seven bits a byte, the lowest first."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


# Most rows hold one sequence or two, so few lists there are.
@functools.lru_cache(maxsize=1 << 12)
def _short_feature(key: bytes, values: tuple[int, ...]) -> bytes:
    return _feature(key, b"".join(map(encode_varint, values)))


def _feature(key: bytes, varints: bytes) -> bytes:
    """An entry of Features.feature: its key, and a Feature that holds an Int64List."""
    feature = _delimited(_INT64_LIST, _delimited(_VALUES, varints))
    return _delimited(_ENTRY, _delimited(_KEY, key) + _delimited(_VALUE, feature))


def _delimited(tag: bytes, content: bytes) -> bytes:
    """Encode a field with its length in front."""
    return tag + encode_varint(len(content)) + content


def decode_row(record: bytes) -> PackedRow:
    """Return the row that `encode_row` made the record of."""
    feature = Example.FromString(record).features.feature
    names = PackedRow.__dataclass_fields__
    return PackedRow(**{name: feature[name].int64_list.value for name in names})
