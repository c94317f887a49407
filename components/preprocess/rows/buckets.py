"""A bucket: documents that meet by chance, and are paired with one another."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from components.preprocess.rows.documents import Document


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
    def pieces(self) -> "array[int]":
        """The piece ids of all documents."""
        pieces = array("I")
        for document in self.documents:
            pieces.extend(document.piece_ids)
        return pieces

    @cached_property
    def bounds(self) -> list[int]:
        """Where each sentence starts in `pieces`, and the end of the last."""
        bounds = [0]
        for document in self.documents:
            start = bounds[-1]
            bounds += [start + end for end in document.sentence_ends]
        return bounds

    @cached_property
    def first_sentences(self) -> list[int]:
        """The first sentence of each document, as an index of `bounds`, and the end of all."""
        return [0, *accumulate(len(document.sentence_ends) for document in self.documents)]

    @cached_property
    def varints(self) -> Varints:
        """The pieces as a record holds them: worked out once for all lengths."""
        return encode_ids(self.pieces)


def encode_ids(piece_ids: "array[int]") -> Varints:
    """Encode piece ids."""
    ids = np.frombuffer(piece_ids, dtype=np.uint32)
    sizes = np.ones(len(ids), dtype=np.int64)
    for bits in range(7, 32, 7):
        sizes += ids >> bits > 0
    offsets = np.zeros(len(ids) + 1, dtype=np.int64)
    np.cumsum(sizes, out=offsets[1:])
    encoded = np.empty(offsets[-1], dtype=np.uint8)
    for index in range(sizes.max(initial=0)):
        has_byte = sizes > index
        more = sizes[has_byte] > index + 1
        low = ids[has_byte] >> (7 * index) & 0x7F
        encoded[offsets[:-1][has_byte] + index] = low | more * np.uint32(0x80)
    return Varints(encoded.tobytes(), offsets)
