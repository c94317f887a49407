import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.shared.dataset.records import (
    Example,
    PackedRow,
    decode_row,
    encode_row,
    read_records,
    write_records,
)
from components.shared.errors import InputError

ROW = PackedRow(
    token_ids=[2, 30000, 3, 7, 3, 2, 8, 3, 9, 3],
    sequence_lengths=[5, 5],
    first_segment_lengths=[3, 3],
    next_sentence_labels=[0, 1],
)


def as_lists(row):
    return {name: list(values) for name, values in vars(row).items()}


def test_row_survives_its_encoding():
    """A row that was written is the row that is read."""
    assert as_lists(decode_row(encode_row(ROW))) == as_lists(ROW)


@given(
    st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=600),
    st.lists(st.tuples(*[st.integers(0, 600)] * 3), min_size=1, max_size=70),
)
def test_bytes_are_those_that_protobuf_serializes(token_ids, sequences):
    """Deterministically: its map entries in the order of their keys."""
    row = PackedRow(token_ids, *zip(*sequences, strict=True))
    example = Example()
    for name, values in vars(row).items():
        example.features.feature[name].int64_list.value.extend(values)

    assert encode_row(row) == example.SerializeToString(deterministic=True)


def test_row_is_a_tensorflow_example():
    """A row with one list, by hand: Example{features{feature{key, int64_list{packed}}}}."""
    record = encode_row(PackedRow([300], [1], [1], [0]))

    assert b"\x0a\x09token_ids\x12\x06\x1a\x04\x0a\x02\xac\x02" in record


def test_file_is_framed_as_tensorflow_does(tmp_path):
    """Length and its checksum, data and its checksum; values computed by TensorFlow 2.18."""
    path = tmp_path / "records"
    with path.open("wb") as file:
        write_records(file, [b"abc"])

    assert path.read_bytes().hex() == "0300000000000000b099490e6162636e57f121"


def test_records_survive_their_file(tmp_path):
    """Records are read in the order they were written, empty ones too."""
    path = tmp_path / "records"
    with path.open("wb") as file:
        write_records(file, [b"one", b"", b"three" * 1000])

    assert list(read_records(path)) == [b"one", b"", b"three" * 1000]


@pytest.mark.parametrize("cut", [1, 4, 8, 14])
def test_cut_file_is_refused_at_the_record(tmp_path, cut):
    """A file that lost its end says where."""
    path = tmp_path / "records"
    with path.open("wb") as file:
        write_records(file, [b"one", b"two"])
    path.write_bytes(path.read_bytes()[:-cut])

    with pytest.raises(InputError, match="the record at byte 19 is cut short or altered"):
        list(read_records(path))


@pytest.mark.parametrize("position", [0, 9, 13, 16])
def test_altered_byte_is_noticed(tmp_path, position):
    """A flipped bit in the length, the data or a checksum is found."""
    path = tmp_path / "records"
    with path.open("wb") as file:
        write_records(file, [b"one"])
    data = bytearray(path.read_bytes())
    data[position] ^= 1
    path.write_bytes(data)

    with pytest.raises(InputError, match="record at byte 0"):
        list(read_records(path))


def test_length_beyond_the_file_is_noticed(tmp_path):
    """A header that promises more than the file holds is a cut file."""
    path = tmp_path / "records"
    with path.open("wb") as file:
        write_records(file, [b"x" * 100])
    path.write_bytes(path.read_bytes()[: struct.calcsize("<QI") + 10])

    with pytest.raises(InputError, match="cut short"):
        list(read_records(path))
