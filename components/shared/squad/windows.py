"""What the model reads: windows `[CLS] question [SEP] part of the context [SEP]`.

They are the features of google-research/bert's run_squad.py: a context that is too long
for one window is cut into several that overlap.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from components.shared.squad.contexts import find_answers, tokenize_contexts
from components.shared.squad.data import Question
from components.shared.tokens.tokenizer import WordPieceTokenizer
from components.shared.tokens.vocabulary import Vocabulary

_FIRST_UNIQUE_ID = 1_000_000_000
_NUM_SPECIAL_TOKENS = 3  # [CLS] and two [SEP]


@dataclass(frozen=True)
class Window:
    """A question with a part of its context."""

    unique_id: int
    question_index: int
    """Which of the questions it is of."""
    window_index: int
    """Which of the question's windows it is."""
    token_ids: list[int]
    """`[CLS] question [SEP] context [SEP]`, unpadded."""
    first_segment_length: int
    """Tokens of `[CLS] question [SEP]`; the context's begin after them."""
    start_position: int
    """Token the gold answer starts at; 0 where the window does not hold all of it."""
    end_position: int
    """Its last token."""
    is_impossible: bool
    """Whether the question is, wherever the window lies."""
    token_to_word: np.ndarray
    """For each context token the context's word (see `split_context`) it is of."""
    token_places: np.ndarray | None
    """For each context token start and end of the characters it stands for; None where the
    context is in Latin script, of which words are the unit."""
    is_max_context: np.ndarray
    """For each context token whether no other window shows more of what surrounds it."""


def make_windows(
    questions: Sequence[Question],
    tokenizer: WordPieceTokenizer,
    vocabulary: Vocabulary,
    *,
    max_length_tokens: int = 384,
    stride_tokens: int = 128,
    max_query_tokens: int = 64,
    training: bool,
) -> list[Window]:
    """Cut each question's context into windows.

    A context without a single word piece has no window. In training the first answer is
    the label, and a question whose answer has no word piece has no window either:
    `count_left_out` counts both.

    Args:
        questions: in the order that `question_index` counts; in training, with their first
            answers at their places (see `place_answers`).
        tokenizer: makes word pieces of questions and of single words of contexts.
        vocabulary: the tokenizer's, for the ids of [CLS] and [SEP].
        max_length_tokens: tokens of a window at most, with [CLS] and [SEP].
        stride_tokens: how far each window of a context starts after the one before.
        max_query_tokens: tokens of a question that are kept.
        training: whether windows get the answers' positions.
    """
    assert stride_tokens >= 1
    assert max_query_tokens + _NUM_SPECIAL_TOKENS < max_length_tokens
    contexts = tokenize_contexts(questions, tokenizer)
    queries = tokenizer.encode_batch([question.question for question in questions])
    labels = find_answers(questions, contexts, tokenizer) if training else {}
    windows: list[Window] = []
    for index, question in enumerate(questions):
        answerable = training and not question.is_impossible
        if answerable and index not in labels:
            continue
        query = queries[index][:max_query_tokens]
        head = [vocabulary.cls_id, *query, vocabulary.sep_id]
        context = contexts[question.context]
        places = context.token_places
        room = max_length_tokens - len(query) - _NUM_SPECIAL_TOKENS
        spans = list(_spans(len(context.token_ids), room, stride_tokens))
        for number, (span, is_max_context) in enumerate(
            zip(spans, _max_context(spans), strict=True)
        ):
            start, end = _place(labels.get(index), span, len(head))
            windows.append(
                Window(
                    unique_id=_FIRST_UNIQUE_ID + len(windows),
                    question_index=index,
                    window_index=number,
                    token_ids=[*head, *context.token_ids[span], vocabulary.sep_id],
                    first_segment_length=len(head),
                    start_position=start,
                    end_position=end,
                    is_impossible=question.is_impossible,
                    token_to_word=context.token_to_word[span],
                    token_places=places if places is None else places[span],
                    is_max_context=is_max_context,
                )
            )
    return windows


def count_left_out(questions: Sequence[Question], windows: Sequence[Window]) -> int:
    """How many questions have no window."""
    return len(questions) - len({window.question_index for window in windows})


def _spans(num_tokens: int, room: int, stride_tokens: int) -> Iterator[slice]:
    """The parts of a context that its windows hold."""
    start = 0
    while start < num_tokens:
        end = min(start + room, num_tokens)
        yield slice(start, end)
        if end == num_tokens:
            return
        start += min(room, stride_tokens)


def _max_context(spans: Sequence[slice]) -> list[np.ndarray]:
    """For each span's tokens whether it is the span that shows most of their surroundings.

    run_squad's score: the smaller of the tokens to the left and to the right, and a little
    for the span's length; of equal ones the first wins.
    """
    num_tokens = spans[-1].stop if spans else 0
    best_score = np.full(num_tokens, -1.0)
    best_span = np.zeros(num_tokens, np.int32)
    for number, span in enumerate(spans):
        left = np.arange(span.stop - span.start)
        score = np.minimum(left, left[::-1]) + 0.01 * len(left)
        better = score > best_score[span]
        best_score[span][better] = score[better]
        best_span[span][better] = number
    return [best_span[span] == number for number, span in enumerate(spans)]


def _place(label: tuple[int, int] | None, span: slice, offset: int) -> tuple[int, int]:
    """Where the answer stands in a window; at [CLS] if not all of it does."""
    if label is None or label[0] < span.start or label[1] >= span.stop:
        return 0, 0
    return label[0] - span.start + offset, label[1] - span.start + offset
