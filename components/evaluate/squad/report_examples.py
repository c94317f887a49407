"""The answered questions that the report shows, with the answers marked in their context."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, TypeVar

from components.evaluate.squad.prediction_files import Answers
from components.evaluate.squad.scores import score_answer
from components.shared.squad.answers import UnplacedAnswerError, place_answer
from components.shared.squad.data import Question

Item = TypeVar("Item")

# Of a context with more characters than this, only those around the answers are shown.
_LONG_CONTEXT = 2000
_CHARACTERS_AROUND = 400
_MARKS = {
    (False, False): "",
    (True, False): "gold",
    (False, True): "predicted",
    (True, True): "both",
}


@dataclass(frozen=True)
class AnsweredQuestion:
    """A question with the model's answer and its scores."""

    question: Question
    prediction: str
    """ "" for no answer."""
    exact: float
    f1: float
    probability: float
    """The answer's, among the model's best answers."""

    @property
    def verdict(self) -> str:
        """right, partly (some words are) or wrong."""
        if self.exact == 1:
            return "right"
        return "partly" if self.f1 > 0 else "wrong"


class Segment(NamedTuple):
    """A piece of a context and what it is part of: "", gold, predicted or both."""

    text: str
    mark: str


def choose_answered(
    questions: Sequence[Question], answers: Answers, count: int
) -> list[AnsweredQuestion]:
    """Right and wrong answers, half of each where there are, from all over the file.

    Of the right ones half are "no answer" at most, where there are others: they show little.
    """
    answered = [_answered(question, answers) for question in questions]
    right = [item for item in answered if item.exact == 1]
    other = [item for item in answered if item.exact != 1]
    told = [item for item in right if item.prediction]
    silent = [item for item in right if not item.prediction]
    num_right = max(min(count // 2, len(right)), count - len(other))
    chosen = choose_halves(told, silent, num_right) + _spread(other, count - num_right)
    order = {question.id: place for place, question in enumerate(questions)}
    return sorted(chosen, key=lambda item: order[item.question.id])


def mark_context(answered: AnsweredQuestion) -> list[Segment]:
    """The context in pieces, with the gold answer and the predicted one marked.

    Of several gold answers the one with most in common with the prediction is marked, or
    the first; where the predicted text stands several times, the place nearest to it.
    """
    context, prediction = answered.question.context, answered.prediction
    golds = list(_gold_places(answered.question))
    places = _places(context, prediction)
    pairs = [(gold, place) for gold in golds for place in places]
    if pairs:
        gold, predicted = min(pairs, key=lambda pair: _distance(*pair))
    else:
        gold, predicted = (spans[0] if spans else (0, 0) for spans in (golds, places))
    cuts = sorted({0, len(context), *gold, *predicted})
    segments = []
    for start, end in pairwise(cuts):
        in_both = (gold[0] <= start < gold[1], predicted[0] <= start < predicted[1])
        segments.append(Segment(context[start:end], _MARKS[in_both]))
    return segments if len(context) <= _LONG_CONTEXT else _shorten(segments)


def choose_halves(right: Sequence[Item], wrong: Sequence[Item], count: int) -> list[Item]:
    """So many items, half of each where there are, from all over each list."""
    num_right = max(min(count // 2, len(right)), count - len(wrong))
    return _spread(right, num_right) + _spread(wrong, count - num_right)


def _answered(question: Question, answers: Answers) -> AnsweredQuestion:
    prediction = answers.predictions[question.id]
    exact, f1 = score_answer(question, prediction)
    probability = answers.probabilities[question.id]
    return AnsweredQuestion(question, prediction, exact, f1, probability)


def _spread(items: Sequence[Item], count: int) -> list[Item]:
    """Choose so many of them, evenly apart."""
    count = min(count, len(items))
    return [items[place * len(items) // count] for place in range(count)]


def _gold_places(question: Question) -> Iterator[tuple[int, int]]:
    """Where the gold answers stand; those that cannot be found are left out."""
    for answer in question.answers:
        with suppress(UnplacedAnswerError):
            yield place_answer(question.context, answer)


def _places(context: str, text: str) -> list[tuple[int, int]]:
    """Where a text stands in the context."""
    places = []
    start = context.find(text) if text else -1
    while start >= 0:
        places.append((start, start + len(text)))
        start = context.find(text, start + 1)
    return places


def _distance(one: tuple[int, int], other: tuple[int, int]) -> int:
    """Below 0 where they overlap: the more, the lower."""
    return max(one[0], other[0]) - min(one[1], other[1])


def _shorten(segments: Sequence[Segment]) -> list[Segment]:
    """Leave out of a long context what is far from the answers."""
    shortened = []
    for number, (text, mark) in enumerate(segments):
        head = "" if number == 0 < len(segments) - 1 else text[:_CHARACTERS_AROUND]
        tail = "" if number == len(segments) - 1 else text[-_CHARACTERS_AROUND:]
        is_short = mark or len(text) <= len(head) + len(tail)
        shortened.append(Segment(text if is_short else f"{head} … {tail}", mark))
    return shortened
