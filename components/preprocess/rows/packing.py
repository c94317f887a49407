"""Rows that hold several sequences, so that little of a row is padding.

pairs_N6: N pairs, each the six numbers of a `Pair`.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from components.preprocess.batches import CORPORA
from components.preprocess.rows.buckets import Bucket
from components.preprocess.rows.pairs import NUM_SPECIAL_PIECES
from components.shared.dataset.packed_rows import assemble_row, encode_varint
from components.shared.tokens.vocabulary import Vocabulary


def count_tokens(pairs_N6: np.ndarray) -> np.ndarray:
    """Count the tokens of each pair's sequence, with the special ones."""
    _, a_start, a_end, b_start, b_end, _ = pairs_N6.T
    return a_end - a_start + b_end - b_start + NUM_SPECIAL_PIECES


def pack_sequences(sizes: np.ndarray, length: int) -> list[list[int]]:
    """Put sequences into rows: the longest first, each where it leaves the least room.

    Args:
        sizes: the tokens of each sequence; among those of one size the order decides.
        length: tokens that a row has room for.

    Returns:
        The indices of each row's sequences.
    """
    if not len(sizes):
        return []
    order = np.argsort(-sizes, kind="stable")
    # Most sequences leave no room for even the shortest: each is a row, without a search.
    num_alone = int(np.count_nonzero(sizes + sizes.min() > length))
    rows = [[index] for index in order[:num_alone].tolist()]
    room_to_rows: list[list[int]] = [[] for _ in range(length + 1)]
    rooms = 0  # bit r is set where a row has room for r more tokens
    rest = order[num_alone:]
    for index, size in zip(rest.tolist(), sizes[rest].tolist(), strict=True):
        fitting = rooms >> size
        if fitting:
            room = size + (fitting & -fitting).bit_length() - 1
            row = room_to_rows[room].pop()
            if not room_to_rows[room]:
                rooms &= ~(1 << room)
        else:
            room, row = length, len(rows)
            rows.append([])
        rows[row].append(index)
        room_to_rows[room - size].append(row)
        rooms |= 1 << (room - size)
    return rows


def encode_rows(
    rows: Sequence[Sequence[int]], pairs_N6: np.ndarray, bucket: Bucket, vocabulary: Vocabulary
) -> Iterator[tuple[int, tuple[int, ...], bytes]]:
    """Yield the sequences of each row, its tokens by corpus, and its record.

    Args:
        rows: the indices of each row's pairs.
        pairs_N6: int64, all pairs of a length.
        bucket: what they are of.
        vocabulary: supplies the special ids.
    """
    cls, sep = encode_varint(vocabulary.cls_id), encode_varint(vocabulary.sep_id)
    encoded, offsets = bucket.varints
    document, first_start, first_end, _, _, label = pairs_N6.T
    corpora = np.array([one.corpus for one in bucket.documents])
    places = offsets[pairs_N6[:, 1:5]].T
    columns = (corpora[document], count_tokens(pairs_N6), first_end - first_start + 2, label)
    sequences = list(zip(*(column.tolist() for column in (*columns, *places)), strict=True))
    for row in rows:
        num_tokens = [0] * len(CORPORA)
        lengths, first_lengths, labels = [], [], []
        varints: list[bytes] = []
        for index in row:
            corpus, size, first_size, kind, a_start, a_end, b_start, b_end = sequences[index]
            num_tokens[corpus] += size
            lengths.append(size)
            first_lengths.append(first_size)
            labels.append(kind)
            varints += (cls, encoded[a_start:a_end], sep, encoded[b_start:b_end], sep)
        record = assemble_row(
            token_varints=varints,
            sequence_lengths=lengths,
            first_segment_lengths=first_lengths,
            next_sentence_labels=labels,
        )
        yield len(row), tuple(num_tokens), record
