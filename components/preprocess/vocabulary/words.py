"""Words and how often they occur, for training a vocabulary."""

from collections import Counter
from collections.abc import Iterable, Sequence

from components.shared.tokens.tokenizer import WordPieceTokenizer
from components.shared.tokens.vocabulary import SPECIAL_PIECES, Vocabulary

# Splitting into words needs no vocabulary, only the rules.
_NO_PIECES = Vocabulary(SPECIAL_PIECES, 0, 1, 2, 3, 4, sha256="")


def count_words(texts: Iterable[Sequence[str]], *, lowercase: bool) -> Counter[str]:
    """How often each word occurs, words being what the tokenizer cuts into pieces."""
    tokenizer = WordPieceTokenizer(_NO_PIECES, lowercase=lowercase)
    # The rules look at what stands between spaces only, and the same runs come again and
    # again: each is split once.
    run_to_count = Counter(
        run for sentences in texts for sentence in sentences for run in sentence.split(" ")
    )
    word_to_count: Counter[str] = Counter()
    for run, count in run_to_count.items():
        for word in tokenizer.split_words(run):
            word_to_count[word] += count
    return word_to_count
