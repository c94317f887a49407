"""A bucket: documents that meet by chance, and are paired with one another."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import NamedTuple

import numpy as np

from components.preprocess.rows.documents import Document
from components.preprocess.rows.span_views import MAX_BUFFER_BYTES
from components.shared.errors import InputError


class Varints(NamedTuple):
    """Piece ids as protobuf's varints, to be cut at any piece."""

    encoded: bytes
    offsets: np.ndarray
    """int64: where each piece begins, and the end of the last."""


@dataclass(frozen=True)
class Bucket:
    """Documents laid end to end: a place among all their pieces names document and piece."""

    number: int
    documents: Sequence[Document]

    @cached_property
    def pieces(self) -> np.ndarray:
        """uint32: the piece ids of all documents."""
        return _concatenate([document.piece_ids for document in self.documents])

    @cached_property
    def bounds(self) -> np.ndarray:
        """int64: where each sentence starts in `pieces`, and the end of the last."""
        ends = _concatenate([document.sentence_ends for document in self.documents])
        starts = _accumulate([len(document.piece_ids) for document in self.documents])[:-1]
        counts = np.diff(self.first_sentences)
        return np.concatenate([[0], ends + np.repeat(starts, counts)])

    @cached_property
    def first_sentences(self) -> np.ndarray:
        """int64: the first sentence of each document, as an index of `bounds`, and the end."""
        return _accumulate([len(document.sentence_ends) for document in self.documents])

    @cached_property
    def corpora(self) -> np.ndarray:
        """int64: the corpus of each document."""
        return np.array([document.corpus for document in self.documents], dtype=np.int64)

    @cached_property
    def varints(self) -> Varints:
        """The pieces as a record holds them: worked out once for all lengths.

        Raises:
            InputError: if they are too many to be cut.
        """
        varints = encode_ids(self.pieces)
        if len(varints.encoded) > MAX_BUFFER_BYTES:
            raise InputError(
                f"{len(self.documents)} document(s) that are paired with one another have "
                f"{len(self.pieces)} word pieces, too many to make rows of; split them, or lower "
                "max_document_mb to leave them out"
            )
        return varints


def _concatenate(parts: "Sequence[array[int]]") -> np.ndarray:
    return np.concatenate([np.empty(0, np.uint32), *(np.frombuffer(one, "u4") for one in parts)])


def _accumulate(counts: Sequence[int]) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])


def encode_ids(ids: np.ndarray) -> Varints:
    """Encode piece ids of uint32, which are less than 2**28."""
    bytes_, is_used, sizes = _tabulate_varints(int(ids.max(initial=0)).bit_length())
    offsets = np.zeros(len(ids) + 1, dtype=np.int64)
    np.cumsum(sizes[ids], out=offsets[1:])
    # Four bytes at once: rows of a matrix take twice as long.
    encoded = bytes_[ids].view(np.uint8)[is_used[ids].view(bool)]
    return Varints(encoded.tobytes(), offsets)


@cache
def _tabulate_varints(num_bits: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The varints of all numbers of so many bits.

    Returns:
        uint32 with four bytes each, uint32 that has ones where they are used, and uint8 sizes.
    """
    ids = np.arange(1 << num_bits, dtype=np.uint32)
    sizes = np.ones(len(ids), dtype=np.uint8)
    for bits in 7, 14, 21:
        sizes += ids >> bits > 0
    places = np.arange(4)
    has_more = places < sizes[:, None] - 1
    bytes_ = (ids[:, None] >> 7 * places & 0x7F | has_more * 0x80).astype(np.uint8)
    is_used = (places < sizes[:, None]).astype(np.uint8)
    return bytes_.view(np.uint32)[:, 0], is_used.view(np.uint32)[:, 0], sizes
