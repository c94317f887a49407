"""Documents as word pieces, with the ends of their sentences."""

from array import array
from collections.abc import Sequence
from itertools import accumulate, islice
from typing import NamedTuple

from components.preprocess.rows.hashing import hash_bytes
from components.shared.tokens.tokenizer import ID_TYPE, WordPieceTokenizer


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
    encoded = iter(tokenizer.encode_packed(sentences))
    return [
        _make_document(corpus, id_, list(filter(None, islice(encoded, len(text_sentences)))))
        for id_, text_sentences in texts
    ]


def _make_document(corpus: int, id_: int, sentences: Sequence[bytes]) -> Document | None:
    """Make a document of sentences that have pieces."""
    if not sentences:
        return None
    joined = b"".join(sentences)
    piece_ids = array(ID_TYPE, joined)
    sizes = (len(sentence) // piece_ids.itemsize for sentence in sentences)
    return Document(corpus, id_, hash_bytes(joined), piece_ids, array(ID_TYPE, accumulate(sizes)))
