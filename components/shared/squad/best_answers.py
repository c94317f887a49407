"""From the model's scores of each token to answers, as google-research/bert's run_squad.

Every step follows its `write_predictions`, so that other tools read the files alike.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, TypedDict

import numpy as np

from components.shared.squad.contexts import find_words, split_context
from components.shared.squad.data import Question
from components.shared.squad.final_text import find_final_text
from components.shared.squad.spans import (
    NOTHING,
    ScoredWindow,
    Span,
    best_spans,
    find_null,
    group_by_question,
)
from components.shared.squad.windows import Window
from components.shared.tokens.tokenizer import WordPieceTokenizer
from components.shared.tokens.vocabulary import Vocabulary

# What run_squad starts the search for the smallest null score with.
_NO_NULL_SCORE = 1_000_000.0
# Words of all contexts whose split is remembered.
_CACHED_WORDS = 1 << 17


class Candidate(TypedDict):
    """One of the n best answers to a question."""

    text: str
    probability: float
    start_logit: float
    end_logit: float


@dataclass(frozen=True)
class QuestionAnswer:
    """What the model answers to a question."""

    id: str
    """The question's."""
    text: str
    """The answer; "" for none."""
    nbest: list[Candidate]
    """The best answers, best first, with softmax probabilities among them."""
    null_odds: float | None
    """SQuAD 2.0: score of no answer less that of the best answer; None for 1.1."""
    places: list[tuple[int, int] | None] = field(default_factory=list)
    """Start and end of each of the best answers in the context, in characters; None for none."""


def choose_answers(
    questions: Sequence[Question],
    windows: Sequence[Window],
    start_logits: Sequence[np.ndarray],
    end_logits: Sequence[np.ndarray],
    *,
    tokenizer: WordPieceTokenizer,
    vocabulary: Vocabulary,
    version: Literal["1.1", "2.0"],
    n_best_size: int = 20,
    max_answer_length_tokens: int = 30,
    null_score_diff_threshold: float = 0.0,
) -> Iterator[QuestionAnswer]:
    """Choose each question's answer among the spans of all its windows, one after the other.

    Args:
        questions: the questions that the windows' `question_index` counts.
        windows: made of them by `make_windows`, in any order.
        start_logits: for each window the score of each of its tokens as an answer's first;
            scores after the window's last token (padding) are ignored.
        end_logits: likewise as an answer's last.
        tokenizer: the one that made the windows.
        vocabulary: the tokenizer's.
        version: 2.0 lets a question have no answer.
        n_best_size: positions considered in each window, and answers kept of each question.
        max_answer_length_tokens: longest answer in word pieces.
        null_score_diff_threshold: no answer is chosen above this null odds.

    Raises:
        InputError: if a score is not a number: the model is broken.
    """
    index_to_windows = group_by_question(windows)
    split_words = lru_cache(_CACHED_WORDS)(tokenizer.split_words)
    for index, question in enumerate(questions):
        scored = [
            ScoredWindow.of(windows[number], start_logits[number], end_logits[number])
            for number in index_to_windows.get(index, [])
        ]
        null = find_null(scored)
        spans = best_spans(
            scored, n_best_size, max_answer_length_tokens, null if version == "2.0" else None
        )
        finder = _Finder(question, scored, vocabulary, split_words)
        texts = _distinct_texts(spans, finder.find_text, n_best_size)
        if version == "2.0":
            texts.setdefault("", null)
        if not any(texts):
            # No window has a valid span. run_squad crashes; Hugging Face answers this word.
            texts = {"empty": NOTHING, **texts}
        best, span = next(item for item in texts.items() if item[0])
        odds = None
        if version == "2.0":
            null_score = null.score if scored else _NO_NULL_SCORE
            odds = null_score - span.start_logit - span.end_logit
            best = "" if odds > null_score_diff_threshold else best
        places = [finder.find(span) for span in texts.values()]
        yield QuestionAnswer(question.id, best, _with_probabilities(texts), odds, places)


def _distinct_texts(
    spans: Iterable[Span], get_text: Callable[[Span], str], count: int
) -> dict[str, Span]:
    """The texts of the best spans, each with the best span that has it."""
    texts: dict[str, Span] = {}
    for span in spans:
        if len(texts) >= count:
            break
        texts.setdefault(get_text(span), span)
    return texts


class _Finder:
    """Finds a question's spans in its context."""

    def __init__(
        self,
        question: Question,
        scored: Sequence[ScoredWindow],
        vocabulary: Vocabulary,
        split_words: Callable[[str], Sequence[str]],
    ) -> None:
        self._context, self._scored, self._vocabulary = question.context, scored, vocabulary
        self._split_words = split_words
        self._words = split_context(question.context)
        self._word_starts = find_words(question.context)

    def find_text(self, span: Span) -> str:
        """The text of a span as it stands in the context; "" for no answer."""
        place = self.find(span)
        if place is None:
            return ""
        text = self._context[slice(*place)]
        is_of_words = self._scored[span.window].window.token_places is None
        return " ".join(split_context(text)) if is_of_words else text

    def find(self, span: Span) -> tuple[int, int] | None:
        """Start and end of a span in the context; None for no answer."""
        if span.window < 0:
            return None
        window = self._scored[span.window].window
        first, last = (place - window.first_segment_length for place in (span.start, span.end))
        if window.token_places is not None:
            return int(window.token_places[first, 0]), int(window.token_places[last, 1])
        ids = window.token_ids[span.start : span.end + 1]
        pieces = " ".join(self._vocabulary.pieces[id_] for id_ in ids)
        text = " ".join(pieces.replace(" ##", "").replace("##", "").split())
        held = slice(window.token_to_word[first], window.token_to_word[last] + 1)
        words, starts = self._words[held], self._word_starts[held]
        start, end = find_final_text(text, words, self._split_words)
        return _to_context(start, words, starts), _to_context(end - 1, words, starts) + 1


def _to_context(place: int, words: Sequence[str], starts: Sequence[int]) -> int:
    """The place in the context of a character of the words, which are joined by spaces."""
    for word, start in zip(words, starts, strict=True):
        if place < len(word):
            return start + place
        place -= len(word) + 1
    raise AssertionError("the place is after the last word")


def _with_probabilities(texts: dict[str, Span]) -> list[Candidate]:
    """The candidates with the softmax of their scores."""
    spans = list(texts.values())
    scores = np.array([span.score for span in spans])
    exponentials = np.exp(scores - scores.max())
    probabilities = (exponentials / exponentials.sum()).tolist()
    return [
        Candidate(
            text=text,
            probability=probability,
            start_logit=span.start_logit,
            end_logit=span.end_logit,
        )
        for (text, span), probability in zip(texts.items(), probabilities, strict=True)
    ]
