"""The checksum in TensorFlow's files: of records, and of a checkpoint's tensors."""

import struct

import google_crc32c

_CRC = struct.Struct("<I")


def masked_crc(data: bytes) -> bytes:
    """CRC-32C rotated by 15 bits and shifted by a constant, in little-endian order."""
    crc = google_crc32c.value(data)
    return _CRC.pack(((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)
