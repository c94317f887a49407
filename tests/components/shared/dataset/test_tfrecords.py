"""TensorFlow's record files."""

import gzip
import struct

import pytest

from components.shared.dataset.tfrecords import read_records
from components.shared.errors import InputError
from tests.bombs import NUM_BYTES
from tests.records import write_records


def test_file_is_framed_as_tensorflow_does(tmp_path):
    """Length and its checksum, data and its checksum; values computed by TensorFlow 2.18."""
    path = tmp_path / "records"
    write_records(path, [b"abc"])

    assert path.read_bytes().hex() == "0300000000000000b099490e6162636e57f121"


def test_records_survive_their_file(tmp_path):
    """Records are read in the order they were written, empty ones too."""
    path = tmp_path / "records"
    write_records(path, [b"one", b"", b"three" * 1000])

    assert list(read_records(path)) == [b"one", b"", b"three" * 1000]


def test_a_packed_file_that_is_a_bomb_is_rejected(tmp_path):
    """It would fill the memory."""
    path = tmp_path / "a.tfrecord.gz"
    path.write_bytes(gzip.compress(bytes(NUM_BYTES)))

    with pytest.raises(InputError, match="unpacks to more than .*, which no records do"):
        list(read_records(path))


@pytest.mark.parametrize("cut", [1, 4, 8, 14])
def test_cut_file_is_rejected_at_the_record(tmp_path, cut):
    """A file that lost its end says where."""
    path = tmp_path / "records"
    write_records(path, [b"one", b"two"])
    path.write_bytes(path.read_bytes()[:-cut])

    with pytest.raises(InputError, match="the record at byte 19 is cut short or altered"):
        list(read_records(path))


@pytest.mark.parametrize("position", [0, 9, 13, 16])
def test_altered_byte_is_noticed(tmp_path, position):
    """A flipped bit in the length, the data or a checksum is found."""
    path = tmp_path / "records"
    write_records(path, [b"one"])
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)

    with pytest.raises(InputError, match="record at byte 0"):
        list(read_records(path))


def test_length_beyond_the_file_is_noticed(tmp_path):
    """A header that promises more than the file holds is a cut file."""
    path = tmp_path / "records"
    write_records(path, [b"x" * 100])
    path.write_bytes(path.read_bytes()[: struct.calcsize("<QI") + 10])

    with pytest.raises(InputError, match="cut short"):
        list(read_records(path))
