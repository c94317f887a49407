"""A vocabulary of word pieces, learned from how often words occur.

Hugging Face's trainer does the learning. Left to itself it numbers pieces in the order of
a hash table, which differs from run to run, and ties between merges go by those numbers:
so every piece of one character is given to it beforehand, in order.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from components.preprocess.storage import filesystem
from components.shared.tokens.vocabulary import SPECIAL_PIECES

_CONTINUATION = "##"
_MAX_ALPHABET = 1000
_MIN_ALPHABET = 10
_MIN_FREQUENCY = 2
_WORDS_PER_LINE = 1000


def train_word_pieces(word_to_count: Mapping[str, int], vocabulary_size: int) -> list[str]:
    """The pieces of a vocabulary in the order of their ids, special ones first.

    Equal counts give equal pieces. A small corpus gives fewer than asked for.
    """
    alphabet = _choose_alphabet(word_to_count, vocabulary_size)
    words = {word: count for word, count in word_to_count.items() if alphabet.issuperset(word)}
    continuing = sorted({character for word in words for character in word[1:]})
    known = [*SPECIAL_PIECES, *(_CONTINUATION + character for character in continuing)]
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))  # noqa: S106 - no password
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocabulary_size,
        min_frequency=_MIN_FREQUENCY,
        show_progress=False,
        special_tokens=known,
        continuing_subword_prefix=_CONTINUATION,
    )
    tokenizer.train_from_iterator(_repeat_words(words), trainer)
    piece_to_id = tokenizer.get_vocab()
    return sorted(piece_to_id, key=piece_to_id.__getitem__)


def read_word_counts(path: str) -> dict[str, int]:
    """Words and counts from lines of JSON."""
    with filesystem.open_file(path) as lines:
        return dict(map(json.loads, lines))


def _choose_alphabet(word_to_count: Mapping[str, int], vocabulary_size: int) -> set[str]:
    """The most frequent characters; a word with any other is left to [UNK]."""
    character_to_count: Counter[str] = Counter()
    for word, count in word_to_count.items():
        for character in word:
            character_to_count[character] += count
    # Each may take two pieces; most of the vocabulary is for longer ones.
    limit = max(_MIN_ALPHABET, min(_MAX_ALPHABET, vocabulary_size // 4))
    by_count = sorted(character_to_count, key=lambda one: (-character_to_count[one], one))
    return set(by_count[:limit])


def _repeat_words(word_to_count: Mapping[str, int]) -> Iterator[str]:
    """Text in which each word occurs as often as counted: the trainer takes text only."""
    for word, count in sorted(word_to_count.items()):
        for done in range(0, count, _WORDS_PER_LINE):
            yield " ".join([word] * min(_WORDS_PER_LINE, count - done))
