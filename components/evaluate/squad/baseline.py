"""The scores of each question, the model's own and those of the model in use to compare with."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from components.evaluate.squad.scores import score_answer
from components.shared.errors import InputError
from components.shared.reports.comparison import QuestionScores, read_question_scores
from components.shared.squad.data import Question


def score_questions(
    questions: Sequence[Question], predictions: Mapping[str, str]
) -> dict[str, list[float]]:
    """Exact match and F1 of each answer, 0 to 1, by question id."""
    return {
        question.id: list(map(float, score_answer(question, predictions.get(question.id, ""))))
        for question in questions
    }


def read_baseline(path: Path, questions: Sequence[Question]) -> QuestionScores:
    """The scores of the model whose metrics.json is given.

    Args:
        path: metrics.json of an evaluation on the same questions.
        questions: those.

    Raises:
        InputError: if the file is not one, or of other questions.
    """
    scores = read_question_scores(path)
    ids = {question.id for question in questions}
    if ids != scores.keys():
        raise InputError(
            f"{path}: {len(ids & scores.keys())} of its {len(scores)} questions are among the "
            f"{len(ids)} of this data; evaluate both models on the same development set"
        )
    return scores
