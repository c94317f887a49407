"""BERT's tokenisation, as google-research/bert's tokenization.py defines it.

Hugging Face's tokenizers does the work; its own BERT normaliser differs from Google's in
the final sigma, in words of 101 to 200 characters and in literal "[SEP]" in a text, so the
text is lower-cased here and no special piece is registered there.
"""

import unicodedata
from collections.abc import Sequence

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from components.shared.vocabulary import Vocabulary

_MAX_WORD_CHARACTERS = 200


class WordPieceTokenizer:
    """Splits text into the word pieces of a vocabulary."""

    def __init__(self, vocabulary: Vocabulary, *, lowercase: bool) -> None:
        self._lowercase = lowercase
        piece_to_id = {piece: id_ for id_, piece in enumerate(vocabulary.pieces)}
        model = models.WordPiece(
            piece_to_id,
            unk_token="[UNK]",  # noqa: S106 - a word piece, no password
            max_input_chars_per_word=_MAX_WORD_CHARACTERS,
        )
        self._tokenizer = Tokenizer(model)
        self._tokenizer.normalizer = normalizers.BertNormalizer(
            clean_text=True, handle_chinese_chars=True, strip_accents=False, lowercase=False
        )
        self._tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """The ids of each text's word pieces, without [CLS] and [SEP]."""
        normal = [self._normalize(text) for text in texts]
        return [encoding.ids for encoding in self._tokenizer.encode_batch_fast(normal)]

    def split_words(self, text: str) -> list[str]:
        """The words before they are cut into pieces (Google's BasicTokenizer)."""
        normal = self._tokenizer.normalizer.normalize_str(self._normalize(text))
        return [word for word, _ in self._tokenizer.pre_tokenizer.pre_tokenize_str(normal)]

    def _normalize(self, text: str) -> str:
        return normalize(text, lowercase=self._lowercase)


def normalize(text: str, *, lowercase: bool) -> str:
    """Lower case without accents, as Google's BasicTokenizer makes it; unchanged if cased."""
    if not lowercase:
        return text
    text = text.lower()
    if text.isascii():
        return text
    decomposed = unicodedata.normalize("NFD", text)
    return "".join(character for character in decomposed if unicodedata.category(character) != "Mn")
