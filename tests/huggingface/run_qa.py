"""The rules of transformers' question answering example, and where run_squad's differ.

Transformers' examples/pytorch/question-answering (run_qa.py, utils_qa.py) cuts contexts and
chooses answers in its own way. `Rules` switches single rules over to google-research/bert's,
so that a differing answer can be traced to the rule that makes it differ. Independent of this
project's code and of PyTorch: NumPy alone.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

# Google's run_squad keeps so many word pieces of a question, run_qa all.
_MAX_QUERY_PIECES = 64


@dataclass(frozen=True)
class Feature:
    """A window of a question and its context, padded."""

    question: int
    token_ids: list[int]
    segment_ids: list[int]
    length: int
    """Tokens without padding."""
    offsets: list[tuple[int, int] | None]
    """Characters of the context that a token covers; None for what is not context."""


@dataclass(frozen=True)
class Rules:
    """Which rules are run_squad's; all False is Hugging Face's way."""

    windows: bool = False
    """Windows begin `stride` tokens after one another, not `stride` tokens before the last
    one's end; and questions end after 64 word pieces."""
    padding: bool = False
    """Padding is not among the n best starts and ends."""
    max_context: bool = False
    """A start counts only in the window that shows most of its surroundings."""
    text: bool = False
    """The answer is found again in the context's words (get_final_text), not cut out of it."""


def cut_by_overlap(tokenizer, questions, *, max_length: int, stride: int) -> list[Feature]:
    """run_qa's features: the tokenizer truncates, and returns what overflows.

    Args:
        tokenizer: of transformers.
        questions: pairs of question and context.
        max_length: tokens of a window, padded to it.
        stride: tokens that two windows share.
    """
    cut = tokenizer(
        [question.lstrip() for question, _ in questions],
        [context for _, context in questions],
        truncation="only_second",
        max_length=max_length,
        stride=stride,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
        padding="max_length",
    )
    features = []
    for row, question in enumerate(cut["overflow_to_sample_mapping"]):
        parts = cut.sequence_ids(row)
        pairs = zip(parts, cut["offset_mapping"][row], strict=True)
        features.append(
            Feature(
                question,
                cut["input_ids"][row],
                cut["token_type_ids"][row],
                sum(cut["attention_mask"][row]),
                [tuple(offset) if part == 1 else None for part, offset in pairs],
            )
        )
    return features


def cut_by_step(tokenizer, questions, *, max_length: int, stride: int) -> list[Feature]:
    """run_squad's features, of the same tokenizer's pieces; arguments as above."""
    features = []
    for number, (question, context) in enumerate(questions):
        query = tokenizer(question, add_special_tokens=False)["input_ids"][:_MAX_QUERY_PIECES]
        whole = tokenizer(context, add_special_tokens=False, return_offsets_mapping=True)
        pieces, offsets = whole["input_ids"], whole["offset_mapping"]
        head = [tokenizer.cls_token_id, *query, tokenizer.sep_token_id]
        room = max_length - len(head) - 1
        start = 0
        while True:
            part = pieces[start : start + room]
            length = len(head) + len(part) + 1
            padding = max_length - length
            features.append(
                Feature(
                    number,
                    [*head, *part, tokenizer.sep_token_id, *[tokenizer.pad_token_id] * padding],
                    [0] * len(head) + [1] * (len(part) + 1) + [0] * padding,
                    length,
                    [None] * len(head)
                    + [tuple(offset) for offset in offsets[start : start + room]]
                    + [None] * (1 + padding),
                )
            )
            if start + room >= len(pieces):
                break
            start += min(room, stride)
    return features


def find_label(feature: Feature, start: int, text: str) -> tuple[int, int]:
    """First and last token of an answer by run_qa's rule; (0, 0) where it is not whole here.

    The last token that begins at or before the answer's first character, and the first one
    that ends at or after its last: whole words are not widened to, nor is the text compared.
    """
    end = start + len(text)
    places = [place for place, offset in enumerate(feature.offsets) if offset is not None]
    if feature.offsets[places[0]][0] > start or feature.offsets[places[-1]][1] < end:
        return 0, 0
    first = max(place for place in places if feature.offsets[place][0] <= start)
    last = min(place for place in places if feature.offsets[place][1] >= end)
    return first, last


def choose(
    context: str,
    features: Sequence[Feature],
    scores: Sequence[tuple[np.ndarray, np.ndarray]],
    rules: Rules = Rules(),
    *,
    n_best_size: int = 20,
    max_answer_length: int = 30,
    tolerance: float = 0.0,
    find_text: Callable[[str, list[int], tuple[int, int]], str] | None = None,
) -> list[str]:
    """The answer to a question; with a tolerance, all that score so little less.

    Args:
        context: what the answer is cut out of.
        features: the question's windows, in their order.
        scores: for each window the scores of all its tokens as a start and as an end.
        rules: whose rules; `rules.windows` is the caller's to follow.
        n_best_size: starts and ends looked at in each window.
        max_answer_length: longest answer in tokens.
        tolerance: how much less than the best an answer may score to be returned too.
        find_text: for `rules.text`, from context, token ids and characters to the text.
    """
    candidates = []
    for index, (feature, (starts, ends)) in enumerate(zip(features, scores, strict=True)):
        spans = _spans(feature, starts, ends, rules, n_best_size, max_answer_length)
        for start, end in spans:
            if rules.max_context and not _is_max_context(features, index, start):
                continue
            characters = feature.offsets[start][0], feature.offsets[end][1]
            ids = feature.token_ids[start : end + 1]
            candidates.append((float(starts[start]) + float(ends[end]), ids, characters))
    candidates.sort(key=lambda candidate: candidate[0], reverse=True)  # stable: first of equal
    texts = []
    for score, ids, characters in candidates:
        if score < candidates[0][0] - tolerance or (texts and not tolerance):
            break
        text = context[slice(*characters)]
        if rules.text:
            assert find_text is not None, "get_final_text is the caller's"
            text = find_text(context, ids, characters)
        texts.append(text)
    return texts or ["empty"]


def _spans(feature, starts, ends, rules, n_best_size, longest) -> Iterator[tuple[int, int]]:
    """The valid pairs of the best starts and ends, best starts first."""
    length = feature.length if rules.padding else len(feature.token_ids)
    best_ends = _best(ends[:length], n_best_size)
    for start in _best(starts[:length], n_best_size):
        for end in best_ends:
            inside = feature.offsets[start] is not None and feature.offsets[end] is not None
            if inside and start <= end < start + longest:
                yield start, end


def _best(scores: np.ndarray, count: int) -> list[int]:
    """Highest first, as the end of an ascending sort: of equal scores, mostly the last."""
    return np.argsort(scores)[-1 : -count - 1 : -1].tolist()


def _is_max_context(features: Sequence[Feature], index: int, place: int) -> bool:
    """Whether no other window, or a later one only as well, shows more around a token."""
    character = features[index].offsets[place]
    shown = []
    for feature in features:
        places = [at for at, offset in enumerate(feature.offsets) if offset is not None]
        at = next((at for at in places if feature.offsets[at] == character), None)
        if at is None:
            shown.append(-1.0)
            continue
        shown.append(min(at - places[0], places[-1] - at) + 0.01 * len(places))
    return shown.index(max(shown)) == index
