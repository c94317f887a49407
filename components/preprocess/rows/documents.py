"""Documents as word pieces, with the ends of their sentences."""

from array import array
from collections.abc import Sequence
from typing import NamedTuple

from components.preprocess.rows.hashing import hash_bytes
from components.shared.tokens.tokenizer import WordPieceTokenizer

# array's 4-byte unsigned: a third of the memory of a list of ints.
_ID = "I"


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
    texts: Sequence[tuple[int, Sequence[str]]], tokenizer: WordPieceTokenizer, corpus: int = 0
) -> list[Document | None]:
    """Several documents at once: the tokenizer is faster on many sentences.

    Args:
        texts: id and sentences of each.
        tokenizer: cuts sentences into pieces.
        corpus: where all of them come from.

    Returns:
        One for each text; None for a text of which no piece remains.
    """
    sentences = [sentence for _, text in texts for sentence in text]
    encoded = iter(tokenizer.encode_batch(sentences))
    return [
        _make_document(corpus, id_, [next(encoded) for _ in text_sentences])
        for id_, text_sentences in texts
    ]


def _make_document(corpus: int, id_: int, sentences: Sequence[Sequence[int]]) -> Document | None:
    piece_ids, ends = array(_ID), array(_ID)
    for sentence in sentences:
        if sentence:
            piece_ids.extend(sentence)
            ends.append(len(piece_ids))
    if not ends:
        return None
    return Document(corpus, id_, hash_bytes(piece_ids.tobytes()), piece_ids, ends)
