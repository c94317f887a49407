"""Rows as records."""

from hypothesis import given
from hypothesis import strategies as st

from components.shared.dataset.examples import Example
from components.shared.dataset.packed_rows import PackedRow, decode_row, encode_row

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
