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

# Most rows hold one sequence or two, so few lists of lengths and labels there are.
_MAX_CACHED_LISTS = 1 << 13


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
        token_varints=[encode_varint(id_) for id_ in row.token_ids],
        sequence_lengths=row.sequence_lengths,
        first_segment_lengths=row.first_segment_lengths,
        next_sentence_labels=row.next_sentence_labels,
    )


def assemble_row(
    *,
    token_varints: Sequence[bytes],
    sequence_lengths: Sequence[int],
    first_segment_lengths: Sequence[int],
    next_sentence_labels: Sequence[int],
) -> bytes:
    """Serialize a row whose token_ids are varints already, in any number of parts.

    The bytes are those that protobuf serializes deterministically: map entries in the order of
    their keys. Putting them together here takes a twentieth of protobuf's time, since a row's
    ids are cut out of those of whole documents.
    """
    first_segments = _short_feature(b"first_segment_lengths", tuple(first_segment_lengths))
    labels = _short_feature(b"next_sentence_labels", tuple(next_sentence_labels))
    lengths = _short_feature(b"sequence_lengths", tuple(sequence_lengths))
    num_bytes = sum(map(len, token_varints))
    tokens = _open_feature(b"token_ids", num_bytes)
    size = len(first_segments) + len(labels) + len(lengths) + len(tokens) + num_bytes
    opening = (_FEATURES, encode_varint(size), first_segments, labels, lengths, tokens)
    return b"".join((*opening, *token_varints))


@functools.lru_cache(maxsize=1 << 16)
def encode_varint(value: int) -> bytes:
    """Encode a number of 0 or more as protobuf does: seven bits a byte, the lowest first."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


@functools.lru_cache(maxsize=_MAX_CACHED_LISTS)
def _short_feature(key: bytes, values: tuple[int, ...]) -> bytes:
    varints = b"".join(map(encode_varint, values))
    return _open_feature(key, len(varints)) + varints


@functools.lru_cache(maxsize=_MAX_CACHED_LISTS)
def _open_feature(key: bytes, num_bytes: int) -> bytes:
    """An entry of Features.feature as far as the varints of its Int64List: key and lengths."""
    values = _VALUES + encode_varint(num_bytes)
    int64_list = _INT64_LIST + encode_varint(len(values) + num_bytes) + values
    value = _VALUE + encode_varint(len(int64_list) + num_bytes) + int64_list
    entry = _KEY + encode_varint(len(key)) + key + value
    return _ENTRY + encode_varint(len(entry) + num_bytes) + entry


def decode_row(record: bytes) -> PackedRow:
    """Return the row that `encode_row` made the record of."""
    feature = Example.FromString(record).features.feature
    names = PackedRow.__dataclass_fields__
    return PackedRow(**{name: feature[name].int64_list.value for name in names})
