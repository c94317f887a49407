"""Where the gold answers stand in their contexts."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from components.shared.errors import InputError
from components.shared.squad.data import Answer, Question

_NUM_SHOWN = 5
_MAX_SHOWN_CHARACTERS = 60

_MISSING = "no answer is given"
_EMPTY = "the answer is empty"
_ABSENT = "the answer is not in the context"
_AMBIGUOUS = "the answer is in the context more than once, and answer_start does not tell where"


class UnplacedAnswerError(Exception):
    """An answer is not in its context, or may be at several places."""


@dataclass(frozen=True)
class PlacedQuestions:
    """Questions to train on; each has its first answer at its place, or is impossible."""

    questions: tuple[Question, ...]
    num_moved: int
    """Answers found at another place than answer_start."""
    reason_to_count: Counter[str]
    """Questions that were skipped."""
    examples: tuple[str, ...]
    """The first of those."""

    def describe(self) -> Iterator[str]:
        """The lines that tell a person what was moved and skipped; none if nothing was."""
        if self.num_moved:
            yield f"answers found elsewhere than at answer_start: {self.num_moved}"
        for reason, count in self.reason_to_count.most_common():
            yield f"questions skipped because {reason}: {count}"
        if self.examples:
            yield f"first questions skipped: {'; '.join(self.examples)}"


def place_answers(
    questions: Sequence[Question], *, max_bad_rate: float, source: str
) -> PlacedQuestions:
    """Find the answers to train on, and skip the questions whose answer cannot be found.

    Args:
        questions: of a SQuAD file.
        max_bad_rate: largest fraction of the questions that may be skipped.
        source: how messages call the file.

    Raises:
        InputError: if more are skipped; the message has the reasons and the first of them.
    """
    placed: list[Question] = []
    num_moved = 0
    reason_to_count: Counter[str] = Counter()
    examples: list[str] = []
    for question in questions:
        if question.is_impossible:
            placed.append(question)
            continue
        try:
            start, end = place_first_answer(question)
        except UnplacedAnswerError as error:
            reason_to_count[str(error)] += 1
            if len(examples) < _NUM_SHOWN:
                examples.append(_show(question))
            continue
        answer = Answer(question.context[start:end], start)
        num_moved += start != question.answers[0].start
        placed.append(replace(question, answers=(answer,)))
    result = PlacedQuestions(tuple(placed), num_moved, reason_to_count, tuple(examples))
    num_bad = reason_to_count.total()
    if num_bad > max_bad_rate * len(questions):
        raise InputError(
            f"{source}: {num_bad} of {len(questions)} questions cannot be trained on, more than "
            f"max_bad_rate {max_bad_rate} allows: {'; '.join(result.describe())}; correct the "
            "file, or raise max_bad_rate"
        )
    return result


def place_first_answer(question: Question) -> tuple[int, int]:
    """Start and end of a question's first answer in the context.

    Raises:
        UnplacedAnswerError: if no single place in the context fits the answer.
    """
    if not question.answers:
        raise UnplacedAnswerError(_MISSING)
    return place_answer(question.context, question.answers[0])


def place_answer(context: str, answer: Answer) -> tuple[int, int]:
    """Start and end of an answer in the context: at its place, or the nearest one to it.

    White space in the answer stands for any white space in the context.

    Raises:
        UnplacedAnswerError: if the answer is nowhere, or several places are equally near.
    """
    text, start = answer.text, answer.start
    if not text.strip():
        raise UnplacedAnswerError(_EMPTY)
    if start is not None and context.startswith(text, start):
        return start, start + len(text)
    pattern = r"\s+".join(map(re.escape, text.split()))
    # Lookahead: places may overlap.
    matches = [match.span(1) for match in re.finditer(f"(?=({pattern}))", context)]
    if not matches:
        raise UnplacedAnswerError(_ABSENT)
    if start is None:
        nearest = matches
    else:
        shortest = min(abs(place - start) for place, _ in matches)
        nearest = [match for match in matches if abs(match[0] - start) == shortest]
    if len(nearest) > 1:
        raise UnplacedAnswerError(_AMBIGUOUS)
    return nearest[0]


def _show(question: Question) -> str:
    if not question.answers:
        return f"{question.id!r}"
    text, start = question.answers[0].text, question.answers[0].start
    shown = text if len(text) <= _MAX_SHOWN_CHARACTERS else text[:_MAX_SHOWN_CHARACTERS] + "…"
    return f"{question.id!r} (answer {shown!r}, answer_start {start})"
