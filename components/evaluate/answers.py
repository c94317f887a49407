"""From the model's scores of each token to answers, as google-research/bert's run_squad.

Every step follows its `write_predictions`, so that other tools read the files alike.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Literal, TypedDict

import numpy as np

from components.evaluate.final_text import get_final_text
from components.shared.errors import InputError
from components.shared.files import whole_folder
from components.shared.squad.contexts import split_context
from components.shared.squad.data import Question
from components.shared.squad.windows import Window
from components.shared.tokenizer import WordPieceTokenizer
from components.shared.vocabulary import Vocabulary

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
class Answers:
    """What the model answers, by question id."""

    predictions: dict[str, str] = field(default_factory=dict)
    """The answer; "" for none."""
    nbest: dict[str, list[Candidate]] = field(default_factory=dict)
    """The best answers, best first, with softmax probabilities among them."""
    null_odds: dict[str, float] = field(default_factory=dict)
    """SQuAD 2.0: score of no answer less that of the best answer; empty for 1.1."""


@dataclass(frozen=True)
class _Span:
    """A candidate before its text is known; at window None it is no answer."""

    window: Window | None
    start: int
    end: int
    start_logit: float
    end_logit: float


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
) -> Answers:
    """Choose each question's answer among the spans of all its windows.

    Args:
        questions: the questions that the windows' `question_index` counts.
        windows: made of them by `make_windows`, in any order.
        start_logits: for each window the score of each of its tokens as an answer's first;
            scores after the window's last token (padding) are not looked at.
        end_logits: likewise as an answer's last.
        tokenizer: the one that made the windows.
        vocabulary: the tokenizer's.
        version: 2.0 lets a question have no answer.
        n_best_size: positions looked at in each window, and answers kept of each question.
        max_answer_length_tokens: longest answer in word pieces.
        null_score_diff_threshold: no answer is chosen above this null odds.

    Raises:
        InputError: if a score is not a number: the model is broken.
    """
    spans: list[list[_Span]] = [[] for _ in questions]
    nulls = [_Span(None, 0, 0, 0.0, 0.0) for _ in questions]
    null_scores = [_NO_NULL_SCORE for _ in questions]
    for window, start, end in sorted(
        zip(windows, start_logits, end_logits, strict=True), key=lambda item: item[0].unique_id
    ):
        index, length = window.question_index, len(window.token_ids)
        # In double precision, as run_squad adds: ties in single precision aren't ties there.
        start, end = start[:length].astype(np.float64), end[:length].astype(np.float64)
        _expect_numbers(start, end)
        spans[index] += _window_spans(window, start, end, n_best_size, max_answer_length_tokens)
        if start[0] + end[0] < null_scores[index]:
            null_scores[index] = float(start[0] + end[0])
            nulls[index] = _Span(None, 0, 0, float(start[0]), float(end[0]))

    split_words = lru_cache(_CACHED_WORDS)(tokenizer.split_words)
    answers = Answers()
    for index, question in enumerate(questions):
        candidates = spans[index] + ([nulls[index]] if version == "2.0" else [])
        candidates.sort(key=lambda span: -(span.start_logit + span.end_logit))
        words = split_context(question.context)
        texts = _distinct_texts(candidates, words, vocabulary, split_words, n_best_size)
        if version == "2.0" and "" not in texts:
            texts[""] = nulls[index]
        if not any(texts):
            # No window has a valid span. run_squad crashes; Hugging Face answers this word.
            texts = {"empty": _Span(None, 0, 0, 0.0, 0.0), **texts}
        answers.nbest[question.id] = _with_probabilities(texts)
        best, span = next(item for item in texts.items() if item[0])
        if version == "2.0":
            odds = null_scores[index] - span.start_logit - span.end_logit
            answers.null_odds[question.id] = odds
            best = "" if odds > null_score_diff_threshold else best
        answers.predictions[question.id] = best
    return answers


def write_answers(folder: Path, answers: Answers) -> None:
    """Write the files that run_squad writes, by its names and in its form."""
    files = {"predictions": answers.predictions, "nbest_predictions": answers.nbest}
    if answers.null_odds:
        files["null_odds"] = answers.null_odds
    with whole_folder(folder) as scratch:
        for name, content in files.items():
            text = json.dumps(content, indent=4) + "\n"
            (scratch / f"{name}.json").write_text(text, encoding="utf-8")


def _expect_numbers(start: np.ndarray, end: np.ndarray) -> None:
    if not (np.isfinite(start).all() and np.isfinite(end).all()):
        raise InputError(
            "the model's scores are not numbers (NaN or infinite): its training diverged; "
            "fine-tune with a lower learning_rate, or evaluate with precision float32"
        )


def _window_spans(
    window: Window, start: np.ndarray, end: np.ndarray, n_best_size: int, longest: int
) -> list[_Span]:
    """The valid spans between the window's best starts and ends, in run_squad's order."""
    starts, ends = _best(start, n_best_size), _best(end, n_best_size)
    first, last = window.first_segment_length, len(window.token_ids) - 2
    in_context = (starts >= first) & (starts <= last)
    starts = starts[in_context]
    starts = starts[window.is_max_context[starts - first]]
    ends = ends[(ends >= first) & (ends <= last)]
    lengths = ends[None, :] - starts[:, None] + 1
    rows, columns = np.nonzero((lengths >= 1) & (lengths <= longest))
    starts, ends = starts[rows], ends[columns]
    numbers = (starts.tolist(), ends.tolist(), start[starts].tolist(), end[ends].tolist())
    return [_Span(window, *span) for span in zip(*numbers, strict=True)]


def _best(logits: np.ndarray, count: int) -> np.ndarray:
    """Positions of the highest scores, highest first; of equal ones the first."""
    return np.argsort(-logits, kind="stable")[:count]


def _distinct_texts(
    spans: Sequence[_Span],
    words: Sequence[str],
    vocabulary: Vocabulary,
    split_words: Callable[[str], list[str]],
    count: int,
) -> dict[str, _Span]:
    """The texts of the best spans, each with the best span that has it."""
    texts: dict[str, _Span] = {}
    for span in spans:
        if len(texts) >= count:
            break
        texts.setdefault(_span_text(span, words, vocabulary, split_words), span)
    return texts


def _span_text(
    span: _Span,
    words: Sequence[str],
    vocabulary: Vocabulary,
    split_words: Callable[[str], list[str]],
) -> str:
    if span.window is None:
        return ""
    ids = span.window.token_ids[span.start : span.end + 1]
    pieces = " ".join(vocabulary.pieces[id_] for id_ in ids)
    text = " ".join(pieces.replace(" ##", "").replace("##", "").split())
    offset = span.window.first_segment_length
    first = span.window.token_to_word[span.start - offset]
    last = span.window.token_to_word[span.end - offset]
    return get_final_text(text, words[first : last + 1], split_words)


def _with_probabilities(texts: dict[str, _Span]) -> list[Candidate]:
    """The candidates with the softmax of their scores."""
    spans = list(texts.values())
    scores = np.array([span.start_logit + span.end_logit for span in spans])
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
