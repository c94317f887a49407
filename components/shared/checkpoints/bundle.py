"""Reads TensorFlow's tensor bundle, its checkpoints' format since 2016, without TensorFlow.

A bundle is an index, which is a table of LevelDB's form from tensor names to serialized
BundleEntryProto (tensorflow/core/protobuf/tensor_bundle.proto), and files with the tensors' bytes.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from components.shared.dataset.tfrecords import masked_crc

_FOOTER_BYTES = 48
_MAGIC = bytes.fromhex("57fb808b247547db")
_TRAILER_BYTES = 5  # a block's compression and checksum
_UNCOMPRESSED = 0
_RESTART_BYTES = 4
# Numbers of tensorflow/core/framework/types.proto. A bfloat16 is the upper half of a float32.
_BFLOAT16 = 14
_DTYPES: Mapping[int, np.dtype] = {
    1: np.dtype("<f4"),
    2: np.dtype("<f8"),
    3: np.dtype("<i4"),
    9: np.dtype("<i8"),
    10: np.dtype("?"),
    _BFLOAT16: np.dtype("<u2"),
    19: np.dtype("<f2"),
}
# Field numbers of the messages that are read.
_NUM_SHARDS, _ENDIANNESS = 1, 2
_DTYPE, _SHAPE, _SHARD, _OFFSET, _SIZE, _CRC, _SLICES = range(1, 8)
_DIM, _DIM_SIZE = 2, 1

Fields = Mapping[int, list[int | bytes]]
"""A protobuf message: field number -> values, in their order."""


class UnusualBundleError(ValueError):
    """A bundle is whole, but in a form that is read by TensorFlow alone."""


class _Entry(NamedTuple):
    """Where a tensor is."""

    dtype: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    crc: bytes


class BundleWeights:
    """The tensors of a bundle by name."""

    def __init__(self, prefix: str) -> None:
        """Read the index of a bundle: the file PREFIX.index.

        Raises:
            ValueError: if it is cut short or altered.
            UnusualBundleError: if it is compressed, big-endian or of partitioned variables.
        """
        self._prefix = prefix
        table = dict(_read_table(Path(f"{prefix}.index").read_bytes()))
        header = _parse(table.pop(b""))
        if _number(header, _ENDIANNESS):
            raise UnusualBundleError("its numbers are big-endian")
        self._num_shards = _number(header, _NUM_SHARDS)
        self._entries = {name.decode(): _read_entry(value) for name, value in table.items()}
        self.shapes: Mapping[str, tuple[int, ...]] = {
            name: entry.shape for name, entry in self._entries.items()
        }

    def read(self, name: str) -> np.ndarray:
        """Read a tensor.

        Raises:
            ValueError: if its bytes are missing or altered, or not numbers.
        """
        entry = self._entries[name]
        if entry.dtype not in _DTYPES:
            raise ValueError(f"{name} holds no numbers")
        with open(f"{self._prefix}.data-{entry.shard:05}-of-{self._num_shards:05}", "rb") as file:
            file.seek(entry.offset)
            data = file.read(entry.size)
        if masked_crc(data) != entry.crc:
            raise ValueError(f"checksum of {name}")
        values = np.frombuffer(data, _DTYPES[entry.dtype]).reshape(entry.shape)
        if entry.dtype == _BFLOAT16:
            return (values.astype(np.uint32) << 16).view(np.float32)
        return values


def _read_entry(value: bytes) -> _Entry:
    fields = _parse(value)
    if _SLICES in fields:
        raise UnusualBundleError("partitioned variables")
    shape = _parse(_bytes(fields, _SHAPE))
    dims = [_parse(dim) for dim in shape.get(_DIM, []) if isinstance(dim, bytes)]
    return _Entry(
        dtype=_number(fields, _DTYPE),
        shape=tuple(_number(dim, _DIM_SIZE) for dim in dims),
        shard=_number(fields, _SHARD),
        offset=_number(fields, _OFFSET),
        size=_number(fields, _SIZE),
        crc=_bytes(fields, _CRC),
    )


def _read_table(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield a table's keys and values."""
    footer = data[-_FOOTER_BYTES:]
    if len(footer) < _FOOTER_BYTES or footer[-len(_MAGIC) :] != _MAGIC:
        raise ValueError("no table")
    place = _skip_handle(footer, 0)  # of the block of filters, which bundles don't have
    for _, handle in _read_block(data, footer, place):
        yield from _read_block(data, handle, 0)


def _read_block(data: bytes, handle: bytes, place: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield the keys and values of the block that a handle points at."""
    offset, place = _read_varint(handle, place)
    size, _ = _read_varint(handle, place)
    end = offset + size
    block, trailer = data[offset:end], data[end : end + _TRAILER_BYTES]
    if len(trailer) < _TRAILER_BYTES or masked_crc(block + trailer[:1]) != trailer[1:]:
        raise ValueError("checksum of the index")
    if trailer[0] != _UNCOMPRESSED:
        raise UnusualBundleError("its index is compressed")
    num_restarts = int.from_bytes(block[-_RESTART_BYTES:], "little")
    last = len(block) - (num_restarts + 1) * _RESTART_BYTES
    place, key = 0, b""
    while place < last:
        # A key begins as the one before it does.
        num_shared, place = _read_varint(block, place)
        num_own, place = _read_varint(block, place)
        num_value, place = _read_varint(block, place)
        key = key[:num_shared] + block[place : place + num_own]
        place += num_own
        yield key, block[place : place + num_value]
        place += num_value


def _skip_handle(data: bytes, place: int) -> int:
    for _ in range(2):
        _, place = _read_varint(data, place)
    return place


def _read_varint(data: bytes, place: int) -> tuple[int, int]:
    """Return a number and the place after it."""
    value = shift = 0
    while True:
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
        shift += 7


def _parse(message: bytes) -> Fields:
    """Return the fields of a protobuf message."""
    fields: dict[int, list[int | bytes]] = {}
    place = 0
    while place < len(message):
        tag, place = _read_varint(message, place)
        value: int | bytes
        match tag & 7:
            case 0:
                value, place = _read_varint(message, place)
            case 2:
                size, place = _read_varint(message, place)
                value = message[place : place + size]
                place += size
            case 5:
                value = message[place : place + 4]
                place += 4
            case kind:
                raise ValueError(f"field of type {kind}")
        fields.setdefault(tag >> 3, []).append(value)
    return fields


def _number(fields: Fields, number: int) -> int:
    """Return a field that is left out where it is 0."""
    value = fields.get(number, [0])[-1]
    if not isinstance(value, int):
        raise ValueError(f"field {number}")
    return value


def _bytes(fields: Fields, number: int) -> bytes:
    value = fields.get(number, [b""])[-1]
    if not isinstance(value, bytes):
        raise ValueError(f"field {number}")
    return value
