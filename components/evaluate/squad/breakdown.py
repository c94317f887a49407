"""Scores of groups of questions: by what they ask, and by how long their answer is."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from components.evaluate.squad.scores import normalize_answer
from components.shared.reports.comparison import QuestionScores
from components.shared.squad.data import Question

_QUESTION_WORDS = ("who", "what", "when", "where", "which", "why", "how many", "how much", "how")
_OTHER = "other"
# Words of an answer: each group up to this many.
_LENGTHS = {1: "1 word", 2: "2 words", 4: "3 to 4 words", 8: "5 to 8 words"}
_LONGER, _NONE = "9 words or more", "no answer"


class Group(NamedTuple):
    """Questions that have something in common."""

    label: str
    num_questions: int
    f1: float
    """Percent."""


def group_by_question_word(questions: Sequence[Question], scores: QuestionScores) -> list[Group]:
    """F1 by the first question word, in the order in which they are usual."""
    return _group(questions, scores, _question_word, [*_QUESTION_WORDS, _OTHER])


def group_by_answer_length(questions: Sequence[Question], scores: QuestionScores) -> list[Group]:
    """F1 by the words of the shortest gold answer, articles and punctuation left out."""
    return _group(questions, scores, _answer_length, [_NONE, *_LENGTHS.values(), _LONGER])


def precision_recall(
    questions: Sequence[Question],
    scores: QuestionScores,
    null_odds: Mapping[str, float],
    column: int,
) -> tuple[list[tuple[float, float]], float]:
    """SQuAD 2.0's curve over the threshold on the null odds, and its average precision.

    The official script's: questions are answered in the order of their null odds; precision
    is the mean score of those answered, recall their sum over the number that have an answer.
    A point stands where the next question has other odds.

    Args:
        questions: all of them.
        scores: of the best answer to each question, never "no answer".
        null_odds: by question id.
        column: of the scores: 0 for exact match, 1 for F1.

    Returns:
        (recall, precision) pairs, each 0 to 1; the average precision in percent.
    """
    num_answerable = sum(bool(question.answers) for question in questions)
    ordered = sorted(questions, key=lambda question: null_odds[question.id])
    curve, average, right, recall = [(0.0, 1.0)], 0.0, 0.0, 0.0
    for count, question in enumerate(ordered, start=1):
        if question.answers:
            right += scores[question.id][column]
        precision, reached = right / count, right / max(num_answerable, 1)
        following = ordered[count] if count < len(ordered) else None
        if following is None or null_odds[following.id] != null_odds[question.id]:
            average += precision * (reached - recall)
            recall = reached
            curve.append((recall, precision))
    return curve, 100 * average


def _group(
    questions: Sequence[Question],
    scores: QuestionScores,
    label_of: Callable[[Question], str],
    labels: Sequence[str],
) -> list[Group]:
    label_to_f1: dict[str, list[float]] = {label: [] for label in labels}
    for question in questions:
        label_to_f1[label_of(question)].append(scores[question.id][1])
    return [
        Group(label, len(values), 100 * sum(values) / len(values))
        for label, values in label_to_f1.items()
        if values
    ]


def _question_word(question: Question) -> str:
    words = re.findall(r"[\w']+", question.question.lower())
    for place, word in enumerate(words):
        pair = " ".join(words[place : place + 2])
        for known in _QUESTION_WORDS:
            # "whom" and "whose" ask for who.
            if known in (pair, word) or (known == "who" and word in ("whom", "whose", "who's")):
                return known
    return _OTHER


def _answer_length(question: Question) -> str:
    if not question.answers:
        return _NONE
    count = min(len(normalize_answer(answer.text).split()) for answer in question.answers)
    return next((label for most, label in _LENGTHS.items() if count <= most), _LONGER)
