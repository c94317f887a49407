"""Rows that hold several sequences, so that little of a row is padding."""

from array import array
from collections.abc import Sequence

import numpy as np

from components.preprocess.rows.documents import Document
from components.preprocess.rows.pairs import Pair, Span
from components.shared.records import assemble_row, encode_varint
from components.shared.vocabulary import Vocabulary


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


class Varints:
    """The piece ids of a document as protobuf's varints, to be cut at any piece."""

    def __init__(self, piece_ids: "array[int]") -> None:
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
        self._encoded = encoded.tobytes()
        self._offsets = array("Q", [0, *ends.tolist()])

    def cut(self, span: Span) -> bytes:
        """The varints of a span of the document."""
        return self._encoded[self._offsets[span.start] : self._offsets[span.end]]


def encode_pairs(
    pairs: Sequence[Pair], documents: Sequence[Varints], vocabulary: Vocabulary
) -> bytes:
    """Serialize the row of some pairs: `[CLS] A [SEP] B [SEP]` each."""
    cls, sep = encode_varint(vocabulary.cls_id), encode_varint(vocabulary.sep_id)
    return assemble_row(
        token_varints=b"".join(
            part
            for first, second, _ in pairs
            for part in (
                cls,
                documents[first.document].cut(first),
                sep,
                documents[second.document].cut(second),
                sep,
            )
        ),
        sequence_lengths=[len(pair) for pair in pairs],
        first_segment_lengths=[pair.first.end - pair.first.start + 2 for pair in pairs],
        next_sentence_labels=[pair.label for pair in pairs],
    )


def list_tokens(pair: Pair, documents: Sequence[Document], vocabulary: Vocabulary) -> list[int]:
    """The ids of a sequence: `[CLS] A [SEP] B [SEP]`."""
    (first, second, _), sep = pair, vocabulary.sep_id
    a, b = (documents[span.document].piece_ids[span.start : span.end] for span in (first, second))
    return [vocabulary.cls_id, *a, sep, *b, sep]
