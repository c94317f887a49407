from components.preprocess.rows.batch_tokenizer import BatchTokenizer
from components.preprocess.rows.documents import make_documents
from components.shared.tokens.tokenizer import WordPieceTokenizer


def test_documents_hold_pieces_and_sentence_ends(vocabulary):
    """Sentences stand one after another; one without a piece is gone."""
    tokenizer = BatchTokenizer(WordPieceTokenizer(vocabulary, lowercase=True))

    document, nothing = make_documents(
        [(7, "The cat sat.\n\u200b\nTwo.".encode()), (8, "\u200b".encode())], tokenizer
    )

    assert document is not None
    pieces = [vocabulary.pieces[id_] for id_ in document.piece_ids]
    assert document.id == 7
    assert pieces == ["the", "cat", "sat", ".", "two", "."]
    assert list(document.sentence_ends) == [4, 6]
    assert nothing is None


def test_equal_texts_have_equal_hashes(vocabulary):
    """A copy under another title is told by its text, whatever its case and spaces."""
    tokenizer = BatchTokenizer(WordPieceTokenizer(vocabulary, lowercase=True))

    one, copy, other = make_documents(
        [(1, b"The cat."), (2, b"the  CAT ."), (3, b"The mat.")], tokenizer
    )

    assert one is not None
    assert copy is not None
    assert other is not None
    assert one.text_hash == copy.text_hash != other.text_hash
