"""Rows that hold several sequences, so that little of a row is padding."""

from array import array
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from components.preprocess.rows.documents import Document
from components.preprocess.rows.pairs import NUM_SPECIAL_PIECES, Pair
from components.shared.dataset.packed_rows import assemble_row, encode_varint
from components.shared.tokens.vocabulary import Vocabulary


def pack_pairs(pairs: Sequence[Pair], length: int) -> list[list[Pair]]:
    """Put sequences into rows: the longest first, each where it leaves the least room.

    Among sequences of one length the order given decides.
    """
    rows: list[list[Pair]] = []
    room_to_rows: list[list[int]] = [[] for _ in range(length + 1)]
    rooms = 0  # bit r is set where a row has room for r more tokens
    for pair in sorted(pairs, key=len, reverse=True):
        size = len(pair)
        fitting = rooms >> size
        if fitting:
            room = size + (fitting & -fitting).bit_length() - 1
            row = room_to_rows[room].pop()
            if not room_to_rows[room]:
                rooms &= ~(1 << room)
        else:
            room, row = length, len(rows)
            rows.append([])
        rows[row].append(pair)
        room_to_rows[room - size].append(row)
        rooms |= 1 << (room - size)
    return rows


class Varints(NamedTuple):
    """The piece ids of a document as protobuf's varints, to be cut at any piece."""

    encoded: bytes
    offsets: "array[int]"
    """Where each piece begins, and the end of the last."""


def encode_ids(piece_ids: "array[int]") -> Varints:
    """Encode the piece ids of a document."""
    ids = np.frombuffer(piece_ids, dtype=np.uint32)
    sizes = np.ones(len(ids), dtype=np.int64)
    for bits in range(7, 32, 7):
        sizes += ids >> bits > 0
    ends = np.cumsum(sizes)
    encoded = np.empty(ends[-1], dtype=np.uint8)
    for index in range(sizes.max()):
        has_byte = sizes > index
        more = sizes[has_byte] > index + 1
        low = ids[has_byte] >> (7 * index) & 0x7F
        encoded[(ends - sizes)[has_byte] + index] = low | more * np.uint32(0x80)
    return Varints(encoded.tobytes(), array("Q", [0, *ends.tolist()]))


def encode_pairs(
    pairs: Sequence[Pair], documents: Sequence[Varints], vocabulary: Vocabulary
) -> bytes:
    """Serialize the row of some pairs: `[CLS] A [SEP] B [SEP]` each."""
    cls, sep = encode_varint(vocabulary.cls_id), encode_varint(vocabulary.sep_id)
    parts: list[bytes] = []
    lengths, first_lengths, labels = [], [], []
    for (a, a_start, a_end), (b, b_start, b_end), label in pairs:
        encoded_a, offsets_a = documents[a]
        encoded_b, offsets_b = documents[b]
        parts += (
            cls,
            encoded_a[offsets_a[a_start] : offsets_a[a_end]],
            sep,
            encoded_b[offsets_b[b_start] : offsets_b[b_end]],
            sep,
        )
        first_lengths.append(a_end - a_start + 2)
        lengths.append(a_end - a_start + b_end - b_start + NUM_SPECIAL_PIECES)
        labels.append(label)
    return assemble_row(
        token_varints=b"".join(parts),
        sequence_lengths=lengths,
        first_segment_lengths=first_lengths,
        next_sentence_labels=labels,
    )


def list_tokens(pair: Pair, documents: Sequence[Document], vocabulary: Vocabulary) -> list[int]:
    """The ids of a sequence: `[CLS] A [SEP] B [SEP]`."""
    (first, second, _), sep = pair, vocabulary.sep_id
    a, b = (documents[span.document].piece_ids[span.start : span.end] for span in (first, second))
    return [vocabulary.cls_id, *a, sep, *b, sep]
