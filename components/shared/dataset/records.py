"""The records between preprocessing and pretraining: packed rows in TFRecord files.

A row of a dataset for length L holds up to L real tokens: one or more sequences
`[CLS] A [SEP] B [SEP]`, one after another, unmasked and unpadded. Everything else a
trainer needs (positions, segments, attention, padding) follows from the lengths.

The file format is TensorFlow's TFRecord of tf.train.Example, written and read here
without TensorFlow, which is not in the preprocessing image.
"""

import functools
import gzip
import mmap
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from components.shared.dataset.crc import masked_crc
from components.shared.errors import InputError

_LENGTH = struct.Struct("<Q")
_CRC = struct.Struct("<I")
_HEADER_BYTES = _LENGTH.size + _CRC.size
_GZIP_MAGIC = b"\x1f\x8b"
# Tags of protobuf's wire format: the field's number, and 2 for "length first" in the low bits.
_FEATURES = _ENTRY = _KEY = _VALUES = b"\x0a"
_VALUE, _INT64_LIST = b"\x12", b"\x1a"
_MAX_BYTES_IN_MEMORY = 1 << 30


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
    """A field with a length in front."""
    return tag + encode_varint(len(content)) + content


def decode_row(record: bytes) -> PackedRow:
    """The row that `encode_row` made the record of."""
    feature = Example.FromString(record).features.feature
    names = PackedRow.__dataclass_fields__
    return PackedRow(**{name: feature[name].int64_list.value for name in names})


def write_records(file: BinaryIO, records: Iterable[bytes]) -> None:
    """Append records to a file in TFRecord's framing: length, CRC, data, CRC."""
    for record in records:
        length = _LENGTH.pack(len(record))
        file.write(length + masked_crc(length) + record + masked_crc(record))


def read_records(path: Path) -> Iterator[bytes]:
    """The records of a TFRecord file.

    Raises:
        InputError: if the file is cut short or a checksum does not fit.
    """
    return iter(RecordFile(path))


class RecordFile(Sequence[bytes]):
    """The records of a TFRecord file, plain or gzip, in any order."""

    def __init__(self, path: Path) -> None:
        """Open the file and find where each record starts.

        Raises:
            InputError: if the file is cut short, or is no TFRecord file.
        """
        self._path, self._data = path, _load(path)
        self._starts: list[int] = []
        start = 0
        while start < len(self._data):
            self._starts.append(start)
            header = self._data[start : start + _HEADER_BYTES]
            if len(header) < _HEADER_BYTES or masked_crc(header[:8]) != header[8:]:
                raise InputError(_broken(path, start))
            start += _HEADER_BYTES + _LENGTH.unpack(header[:8])[0] + _CRC.size
        if start > len(self._data):
            raise InputError(_broken(path, self._starts[-1]))
        self._starts.append(start)

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __getitem__(self, index: Any) -> Any:
        """The record's bytes.

        Raises:
            InputError: if they do not fit their checksum.
        """
        if not 0 <= index < len(self):
            raise IndexError(index)
        start, end = self._starts[index], self._starts[index + 1] - _CRC.size
        record = self._data[start + _HEADER_BYTES : end]
        if self._data[end : end + _CRC.size] != masked_crc(record):
            raise InputError(_broken(self._path, start))
        return record


def _load(path: Path) -> "bytes | mmap.mmap":
    """A file's bytes, unpacked; in memory where it is not too large for that.

    A mounted object store reads a whole file faster than its records one by one.
    """
    with path.open("rb") as file:
        if file.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC:
            try:
                return gzip.decompress(path.read_bytes())
            except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                raise InputError(f"{path}: broken gzip file: {error}; get it again") from None
        if path.stat().st_size > _MAX_BYTES_IN_MEMORY:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return path.read_bytes()


def _broken(path: Path, offset: int) -> str:
    return (
        f"{path}: the record at byte {offset} is cut short or altered; "
        "run the stage that wrote it again"
    )


def _example_class() -> Any:
    """tf.train.Example (tensorflow/core/example/*.proto), in a pool of its own.

    TensorFlow registers the same names in the default pool where it is installed.
    """
    file = descriptor_pb2.FileDescriptorProto(
        name="example.proto", package="tensorflow", syntax="proto3"
    )
    field = descriptor_pb2.FieldDescriptorProto
    optional, repeated = field.LABEL_OPTIONAL, field.LABEL_REPEATED

    lists = {
        "BytesList": field.TYPE_BYTES,
        "FloatList": field.TYPE_FLOAT,
        "Int64List": field.TYPE_INT64,
    }
    for name, type_ in lists.items():
        file.message_type.add(name=name).field.add(
            name="value", number=1, type=type_, label=repeated
        )
    feature = file.message_type.add(name="Feature")
    feature.oneof_decl.add(name="kind")
    for number, name in enumerate(lists, start=1):
        feature.field.add(
            name=name.replace("List", "_list").lower(),
            number=number,
            type=field.TYPE_MESSAGE,
            type_name=f".tensorflow.{name}",
            label=optional,
            oneof_index=0,
        )
    features = file.message_type.add(name="Features")
    entry = features.nested_type.add(name="FeatureEntry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, type=field.TYPE_STRING, label=optional)
    entry.field.add(
        name="value",
        number=2,
        type=field.TYPE_MESSAGE,
        type_name=".tensorflow.Feature",
        label=optional,
    )
    features.field.add(
        name="feature",
        number=1,
        type=field.TYPE_MESSAGE,
        type_name=".tensorflow.Features.FeatureEntry",
        label=repeated,
    )
    file.message_type.add(name="Example").field.add(
        name="features",
        number=1,
        type=field.TYPE_MESSAGE,
        type_name=".tensorflow.Features",
        label=optional,
    )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("tensorflow.Example"))


Example = _example_class()
