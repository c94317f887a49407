"""The contexts of SQuAD questions as words and word pieces, and the answers in them."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, chain

import numpy as np

from components.shared.squad.data import Answer, Question
from components.shared.tokenizer import WordPieceTokenizer

# run_squad splits contexts here alone: other spaces stay inside a word.
_WORD = re.compile("[^ \t\r\n\u202f]+")


def split_context(context: str) -> list[str]:
    """The words of a context as run_squad splits them: at white space alone."""
    return _WORD.findall(context)


@dataclass(frozen=True)
class Context:
    """A context in words and word pieces."""

    words: list[str]
    word_starts: list[int]
    """Character of the context each word starts at."""
    token_starts: list[int]
    """Token each word starts at, and the number of tokens at the end."""
    token_ids: list[int]
    token_to_word: np.ndarray

    def word_at(self, character: int) -> int:
        """The word a character is in or after; -1 before the first, as run_squad has it."""
        return bisect_right(self.word_starts, character) - 1


def tokenize_contexts(
    questions: Sequence[Question], tokenizer: WordPieceTokenizer
) -> dict[str, Context]:
    """Each distinct context once, and each distinct word once: words recur a lot."""
    matches = {
        text: list(_WORD.finditer(text)) for text in dict.fromkeys(q.context for q in questions)
    }
    words = list({match[0] for found in matches.values() for match in found})
    word_to_ids = dict(zip(words, tokenizer.encode_batch(words), strict=True))
    return {text: _tokenize_context(found, word_to_ids) for text, found in matches.items()}


def _tokenize_context(
    matches: Sequence[re.Match[str]], word_to_ids: dict[str, list[int]]
) -> Context:
    words = [match[0] for match in matches]
    pieces = [word_to_ids[word] for word in words]
    lengths = [len(ids) for ids in pieces]
    return Context(
        words=words,
        word_starts=[match.start() for match in matches],
        token_starts=[0, *accumulate(lengths)],
        token_ids=list(chain.from_iterable(pieces)),
        token_to_word=np.repeat(np.arange(len(words), dtype=np.int32), lengths),
    )


def find_answers(
    questions: Sequence[Question], contexts: dict[str, Context], tokenizer: WordPieceTokenizer
) -> dict[int, tuple[int, int]]:
    """First and last context token of the answers that are found, by question index."""
    answers = {index: q.answers[0] for index, q in enumerate(questions) if not q.is_impossible}
    ids = tokenizer.encode_batch([answer.text for answer in answers.values()])
    labels = {}
    for (index, answer), answer_ids in zip(answers.items(), ids, strict=True):
        label = _find_answer(answer, answer_ids, contexts[questions[index].context])
        if label is not None:
            labels[index] = label
    return labels


def _find_answer(answer: Answer, answer_ids: list[int], context: Context) -> tuple[int, int] | None:
    """The tokens of the words that hold the answer, or of the answer alone where they can be.

    run_squad's `_improve_answer_span`: in "(1895-1943)" the answer "1895" is a token.
    """
    first = context.word_at(answer.start)
    last = context.word_at(answer.start + len(answer.text) - 1)
    held = " ".join(context.words[first : last + 1])
    if first < 0 or " ".join(answer.text.split()) not in held:
        return None
    start, end = context.token_starts[first], context.token_starts[last + 1] - 1
    if end < start:
        return None  # words of control characters alone have no tokens
    length = len(answer_ids)
    for at in range(start, end - length + 2):
        if length and context.token_ids[at : at + length] == answer_ids:
            return at, at + length - 1
    return start, end
