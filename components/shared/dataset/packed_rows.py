"""The records between preprocessing and pretraining: packed rows.

A row of a dataset for length L holds up to L real tokens: one or more sequences
`[CLS] A [SEP] B [SEP]`, one after another, unmasked and unpadded. Everything else a
trainer needs (positions, segments, attention, padding) follows from the lengths.
"""

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from components.shared.dataset.examples import Example

# Tags of protobuf's wire format: the field's number, and 2 for "length first" in the low bits.
_FEATURES = _ENTRY = _KEY = _VALUES = b"\x0a"
_VALUE, _INT64_LIST = b"\x12", b"\x1a"

# Most rows hold one sequence or two: of their lists of lengths and labels there are few.
_MAX_CACHED_LISTS = 1 << 14


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
    tokens = b"".join(map(encode_varint, row.token_ids))
    [opening] = open_rows(
        [tuple(row.sequence_lengths)],
        [tuple(row.first_segment_lengths)],
        [tuple(row.next_sentence_labels)],
        [len(tokens)],
    )
    return opening + tokens


def open_rows(
    sequence_lengths: Iterable[tuple[int, ...]],
    first_segment_lengths: Iterable[tuple[int, ...]],
    next_sentence_labels: Iterable[tuple[int, ...]],
    num_token_bytes: Sequence[int],
) -> list[bytes]:
    """Serialize rows as far as their token_ids, whose varints follow.

    The bytes are those that protobuf serializes deterministically: map entries in the order of
    their keys. Putting them together here takes a fraction of protobuf's time, since a row's
    ids are cut out of those of whole documents.

    Args:
        sequence_lengths: as in `PackedRow`, of each row.
        first_segment_lengths: the same.
        next_sentence_labels: the same.
        num_token_bytes: the bytes of the varints of each row.
    """
    openings = []
    for segments, tokens, num_bytes in zip(
        map(_open_segments, first_segment_lengths, next_sentence_labels),
        map(_open_tokens, sequence_lengths, num_token_bytes),
        num_token_bytes,
        strict=True,
    ):
        size = encode_varint(len(segments) + len(tokens) + num_bytes)
        openings.append(_FEATURES + size + segments + tokens)
    return openings


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
def _open_segments(first_segment_lengths: tuple[int, ...], labels: tuple[int, ...]) -> bytes:
    lengths = _encode_feature(b"first_segment_lengths", first_segment_lengths)
    return lengths + _encode_feature(b"next_sentence_labels", labels)


@functools.lru_cache(maxsize=_MAX_CACHED_LISTS)
def _open_tokens(sequence_lengths: tuple[int, ...], num_bytes: int) -> bytes:
    lengths = _encode_feature(b"sequence_lengths", sequence_lengths)
    return lengths + _open_feature(b"token_ids", num_bytes)


def _encode_feature(key: bytes, values: tuple[int, ...]) -> bytes:
    varints = b"".join(map(encode_varint, values))
    return _open_feature(key, len(varints)) + varints


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
