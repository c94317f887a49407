"""Documents as word pieces, with the ends of their sentences."""

from array import array
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from components.preprocess.rows.batch_tokenizer import BatchTokenizer
from components.preprocess.rows.hashing import hash_bytes
from components.shared.tokens.tokenizer import ID_TYPE


class Document(NamedTuple):
    """A document as word pieces."""

    corpus: int
    """Its index among the corpora. Of copies, that of the first corpus stays."""
    id: int
    """Of a page its own, of other text a hash."""
    text_hash: int
    """Equal for equal pieces: tells copies of a text."""
    piece_ids: "array[int]"
    """Of all sentences, one after another."""
    sentence_ends: "array[int]"
    """Where each sentence ends in piece_ids."""


def make_documents(
    texts: Sequence[tuple[int, bytes]], tokenizer: BatchTokenizer, corpus: int = 0
) -> list[Document | None]:
    """Several documents at once: the tokenizer is faster on much text.

    Args:
        texts: id and text of each, in UTF-8, a sentence a line.
        tokenizer: cuts sentences into pieces.
        corpus: where all of them come from.

    Returns:
        One for each text; None for a text of which no piece remains.
    """
    encoded = tokenizer.encode_lines(b"".join([text + b"\n" for _, text in texts]))
    num_lines = np.array([text.count(b"\n") + 1 for _, text in texts], np.int64)
    line_bounds = np.concatenate([[0], encoded.line_ends])
    text_bounds = np.concatenate([[0], np.cumsum(num_lines)])
    piece_bounds = line_bounds[text_bounds]
    # A line without a piece is no sentence.
    is_sentence = line_bounds[1:] > line_bounds[:-1]
    sentence_bounds = np.concatenate([[0], np.cumsum(is_sentence)])[text_bounds]
    sentence_ends = encoded.line_ends - np.repeat(piece_bounds[:-1], num_lines)

    ids = _slice(encoded.piece_ids, piece_bounds)
    ends = _slice(sentence_ends[is_sentence].astype(ID_TYPE), sentence_bounds)
    return [
        Document(corpus, id_, hash_bytes(packed), array(ID_TYPE, packed), array(ID_TYPE, ends_))
        if packed
        else None
        for (id_, _), packed, ends_ in zip(texts, ids, ends, strict=True)
    ]


def _slice(items: np.ndarray, bounds: np.ndarray) -> list[bytes]:
    """The bytes of an array between each bound and the next."""
    packed = items.tobytes()
    return [packed[start:end] for start, end in pairwise((bounds * items.itemsize).tolist())]
