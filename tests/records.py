"""Writes and reads TFRecord framing for tests."""

from itertools import accumulate, pairwise

from components.shared.dataset.tfrecords import CRC_BYTES, HEADER_BYTES, frame_records


def write_records(path, records):
    """Write records into a file of their own."""
    path.write_bytes(b"".join(frame_records(records)))


def read_block(block):
    """Return the records of a block of rows, and check their framing."""
    data = block.data.tobytes()
    bounds = accumulate(block.sizes.tolist(), initial=0)
    records = [data[a + HEADER_BYTES : b - CRC_BYTES] for a, b in pairwise(bounds)]
    assert b"".join(frame_records(records)) == data
    return records
