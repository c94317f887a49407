"""The contexts of SQuAD questions as words and word pieces, and the answers in them.

A context in Latin script is cut into words at white space, as google-research/bert's run_squad
does, and answers follow run_squad to the byte. In other scripts a word piece is the unit and knows
the characters it stands for: between two spaces there may be a sentence.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import accumulate, chain

import numpy as np

from components.shared.squad.data import Question
from components.shared.tokens.tokenizer import WordPieceTokenizer

# White space as Unicode has it. run_squad knows five of these characters. Python also counts some
# control characters as space; BERT's tokenizer drops those.
_WORD = re.compile("[^ \t\r\n\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")

# Of the letters of a context. In SQuAD's English contexts up to 7% are Greek, Cyrillic or Chinese.
_MIN_OTHER_SCRIPT_RATE = 0.1


def split_context(context: str) -> list[str]:
    """Split a context into words, at white space alone."""
    return _WORD.findall(context)


def find_words(context: str) -> list[int]:
    """Return the character that each word of `split_context` starts at."""
    return [match.start() for match in _WORD.finditer(context)]


@dataclass(frozen=True, kw_only=True)
class Context:
    """A context in word pieces."""

    token_ids: list[int]
    token_to_word: np.ndarray
    """For each token the word of `split_context` that it is of."""
    token_places: np.ndarray | None
    """[tokens, 2] start and end of the characters each token stands for; None in Latin script."""
    word_starts: list[int]
    """Character of the context each word starts at."""
    token_starts: list[int]
    """Token each word starts at, and the number of tokens at the end."""

    def word_at(self, character: int) -> int:
        """The word a character is in or after; -1 before the first, as run_squad has it."""
        return bisect_right(self.word_starts, character) - 1


def tokenize_contexts(
    questions: Sequence[Question], tokenizer: WordPieceTokenizer
) -> dict[str, Context]:
    """Tokenize each distinct context once, and each distinct word once: words recur a lot."""
    matches = {
        text: list(_WORD.finditer(text)) for text in dict.fromkeys(q.context for q in questions)
    }
    is_latin = {text: is_in_latin_script(text) for text in matches}
    words = list({match[0] for text in matches for match in matches[text] if is_latin[text]})
    word_to_ids = dict(zip(words, tokenizer.encode_batch(words), strict=True))
    return {
        text: _context_of_words(found, [word_to_ids[match[0]] for match in found])
        if is_latin[text]
        else _context_of_places(found, tokenizer)
        for text, found in matches.items()
    }


def is_in_latin_script(context: str) -> bool:
    """Whether hardly any letter of a context is of another script."""
    if context.isascii():
        return True
    letters = [character for character in context if character.isalpha()]
    num_others = sum(not _is_latin(letter) for letter in letters)
    return num_others < _MIN_OTHER_SCRIPT_RATE * len(letters) or not letters


@lru_cache(1 << 16)
def _is_latin(letter: str) -> bool:
    return letter.isascii() or unicodedata.name(letter, "").startswith("LATIN ")


def _context_of_words(matches: Sequence[re.Match[str]], pieces: Sequence[list[int]]) -> Context:
    lengths = [len(ids) for ids in pieces]
    return Context(
        token_ids=list(chain.from_iterable(pieces)),
        token_to_word=np.repeat(np.arange(len(pieces), dtype=np.int32), lengths),
        token_places=None,
        word_starts=[match.start() for match in matches],
        token_starts=[0, *accumulate(lengths)],
    )


def _context_of_places(matches: Sequence[re.Match[str]], tokenizer: WordPieceTokenizer) -> Context:
    found = [tokenizer.encode_with_places(match[0]) for match in matches]
    places = [
        (match.start() + piece.start, match.start() + piece.end)
        for match, pieces in zip(matches, found, strict=True)
        for piece in pieces
    ]
    words = _context_of_words(matches, [[piece.id for piece in pieces] for pieces in found])
    return replace(words, token_places=np.array(places, np.int32).reshape(-1, 2))


def find_answers(
    questions: Sequence[Question], contexts: dict[str, Context], tokenizer: WordPieceTokenizer
) -> dict[int, tuple[int, int]]:
    """First and last context token of the answers that are found, by question index.

    Args:
        questions: their first answers are at their places (see `place_answers`).
        contexts: of all these questions.
        tokenizer: made the contexts.
    """
    answers = {index: q.answers[0] for index, q in enumerate(questions) if not q.is_impossible}
    ids = tokenizer.encode_batch([answer.text for answer in answers.values()])
    labels = {}
    for (index, answer), answer_ids in zip(answers.items(), ids, strict=True):
        context = contexts[questions[index].context]
        assert answer.start is not None
        if context.token_places is None:
            label = _find_words(answer.text, answer.start, answer_ids, context)
        else:
            label = _find_places(answer.start, answer.start + len(answer.text), context)
        if label is not None:
            labels[index] = label
    return labels


def _find_words(
    text: str, start: int, answer_ids: list[int], context: Context
) -> tuple[int, int] | None:
    """The tokens of the words that hold the answer, or of the answer alone where they can be.

    run_squad's `_improve_answer_span`: in "(1895-1943)" the answer "1895" is a token.
    """
    first, last = context.word_at(start), context.word_at(start + len(text) - 1)
    if first < 0:
        return None
    start_token, end_token = context.token_starts[first], context.token_starts[last + 1] - 1
    if end_token < start_token:
        return None  # words of control characters alone have no tokens
    length = len(answer_ids)
    for at in range(start_token, end_token - length + 2):
        if length and context.token_ids[at : at + length] == answer_ids:
            return at, at + length - 1
    return start_token, end_token


def _find_places(start: int, end: int, context: Context) -> tuple[int, int] | None:
    """The tokens that share a character with the answer."""
    assert context.token_places is not None
    starts, ends = context.token_places.T
    # Both grow: tokens stand in the order of the text.
    first = int(np.searchsorted(ends, start, side="right"))
    last = int(np.searchsorted(starts, end, side="left")) - 1
    return (first, last) if first <= last else None
