"""Rows that hold several sequences, so that little of a row is padding."""

from collections.abc import Sequence

from components.preprocess.rows.documents import Document
from components.preprocess.rows.pairs import Pair
from components.shared.records import PackedRow
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


def make_row(
    pairs: Sequence[Pair], documents: Sequence[Document], vocabulary: Vocabulary
) -> PackedRow:
    """The tokens of a row's sequences, `[CLS] A [SEP] B [SEP]` each."""
    token_ids: list[int] = []
    for first, second, _ in pairs:
        token_ids.append(vocabulary.cls_id)
        token_ids += documents[first.document].piece_ids[first.start : first.end]
        token_ids.append(vocabulary.sep_id)
        token_ids += documents[second.document].piece_ids[second.start : second.end]
        token_ids.append(vocabulary.sep_id)
    return PackedRow(
        token_ids=token_ids,
        sequence_lengths=[len(pair) for pair in pairs],
        first_segment_lengths=[pair.first.end - pair.first.start + 2 for pair in pairs],
        next_sentence_labels=[pair.label for pair in pairs],
    )
