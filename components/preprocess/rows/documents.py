"""Documents: articles as word pieces, with the ends of their sentences."""

from array import array
from collections.abc import Sequence
from typing import NamedTuple

from components.preprocess.rows.hashing import hash_bytes
from components.shared.tokenizer import WordPieceTokenizer

# array's 4-byte unsigned: a third of the memory of a list of ints.
_ID = "I"


class Document(NamedTuple):
    """An article as word pieces."""

    page_id: int
    text_hash: int
    """Equal for equal pieces: tells copies of a text."""
    piece_ids: "array[int]"
    """Of all sentences, one after another."""
    sentence_ends: "array[int]"
    """Where each sentence ends in piece_ids."""


def make_documents(
    pages: Sequence[tuple[int, Sequence[str]]], tokenizer: WordPieceTokenizer
) -> list[Document | None]:
    """Documents of several pages at once: the tokenizer is faster on many sentences.

    Args:
        pages: page id and sentences of each.
        tokenizer: cuts sentences into pieces.

    Returns:
        One for each page; None for a page of which no piece remains.
    """
    sentences = [sentence for _, page in pages for sentence in page]
    encoded = iter(tokenizer.encode_batch(sentences))
    return [
        _make_document(page_id, [next(encoded) for _ in page_sentences])
        for page_id, page_sentences in pages
    ]


def _make_document(page_id: int, sentences: Sequence[Sequence[int]]) -> Document | None:
    piece_ids, ends = array(_ID), array(_ID)
    for sentence in sentences:
        if sentence:
            piece_ids.extend(sentence)
            ends.append(len(piece_ids))
    if not ends:
        return None
    return Document(page_id, hash_bytes(piece_ids.tobytes()), piece_ids, ends)
