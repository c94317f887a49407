"""The records between preprocessing and pretraining: packed rows in TFRecord files.

A row of a dataset for length L holds up to L real tokens: one or more sequences
`[CLS] A [SEP] B [SEP]`, one after another, unmasked and unpadded. Everything else a
trainer needs (positions, segments, attention, padding) follows from the lengths.

The file format is TensorFlow's TFRecord of tf.train.Example, written and read here
without TensorFlow, which is not in the preprocessing image.
"""

import json
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import google_crc32c
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from components.shared.errors import InputError

MANIFEST = "dataset.json"
FORMAT_VERSION = 1

_LENGTH = struct.Struct("<Q")
_CRC = struct.Struct("<I")


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
    """A row as a serialised tf.train.Example of int64 lists."""
    example = Example()
    for name, values in vars(row).items():
        example.features.feature[name].int64_list.value.extend(values)
    # Deterministic: protobuf leaves the order of a map's entries open otherwise.
    return example.SerializeToString(deterministic=True)


def decode_row(record: bytes) -> PackedRow:
    """The row that `encode_row` made the record of."""
    feature = Example.FromString(record).features.feature
    names = PackedRow.__dataclass_fields__
    return PackedRow(**{name: feature[name].int64_list.value for name in names})


def write_records(file: BinaryIO, records: Iterable[bytes]) -> None:
    """Append records to a file in TFRecord's framing: length, CRC, data, CRC."""
    for record in records:
        length = _LENGTH.pack(len(record))
        file.write(length + _masked_crc(length) + record + _masked_crc(record))


def read_records(path: Path) -> Iterator[bytes]:
    """The records of a TFRecord file.

    Raises:
        InputError: if the file is cut short or a checksum does not fit.
    """
    data = path.read_bytes()
    start = 0
    while start < len(data):
        header_end = start + _LENGTH.size + _CRC.size
        header = data[start:header_end]
        if len(header) < header_end - start or _masked_crc(header[:8]) != header[8:]:
            raise InputError(_broken(path, start))
        end = header_end + _LENGTH.unpack(header[:8])[0]
        record = data[header_end:end]
        if data[end : end + _CRC.size] != _masked_crc(record):
            raise InputError(_broken(path, start))
        yield record
        start = end + _CRC.size


def read_manifest(dataset: Path) -> dict[str, Any]:
    """The dataset.json of a dataset folder.

    Raises:
        InputError: if there is none, or it is of another version.
    """
    path = dataset / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(
            f"{dataset}: no {MANIFEST} in it, so this is not a whole dataset; "
            "run the preprocess stage again"
        ) from None
    if manifest.get("format_version") != FORMAT_VERSION:
        raise InputError(
            f"{path}: format_version {manifest.get('format_version')!r}, this release reads "
            f"{FORMAT_VERSION}; run the preprocess stage of this release"
        )
    return manifest


def _masked_crc(data: bytes) -> bytes:
    """TFRecord's checksum: CRC-32C rotated by 15 bits and shifted by a constant."""
    crc = google_crc32c.value(data)
    return _CRC.pack(((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


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
