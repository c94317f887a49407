"""Scores of groups of questions, and the curve over the null threshold."""

import pytest

from components.evaluate.squad.breakdown import (
    group_by_answer_length,
    group_by_question_word,
    precision_recall,
)
from components.shared.squad.data import Answer, Question


def make_question(id_: str, text: str = "?", *answers: str) -> Question:
    golds = tuple(Answer(answer, 0) for answer in answers)
    return Question(id_, "", text, "", golds, is_impossible=not golds)


def test_questions_are_grouped_by_the_first_word_that_asks():
    """Wherever it stands; "how many" is not "how"."""
    questions = [
        make_question("a", "In what year?"),
        make_question("b", "What did who say?"),
        make_question("c", "How many are there?"),
        make_question("d", "To whom?"),
        make_question("e", "Name one."),
    ]
    scores = {"a": [0, 0.5], "b": [0, 1.0], "c": [1, 1.0], "d": [0, 0.0], "e": [0, 0.25]}

    groups = group_by_question_word(questions, scores)

    assert groups == [("who", 1, 0), ("what", 2, 75), ("how many", 1, 100), ("other", 1, 25)]


def test_questions_are_grouped_by_the_words_of_the_shortest_answer():
    """Articles don't count, as in the scores."""
    questions = [
        make_question("a", "?", "the Rhine river", "the Rhine"),
        make_question("b", "?", "one two three four five six seven eight nine"),
        make_question("c", "?"),
    ]
    scores = {"a": [1, 1.0], "b": [0, 0.5], "c": [0, 0.0]}

    groups = group_by_answer_length(questions, scores)

    assert groups == [("no answer", 1, 0), ("1 word", 1, 100), ("9 words or more", 1, 50)]


def test_precision_and_recall_over_the_threshold():
    """By growing odds: a right one, one without an answer, a right and a wrong one at once."""
    questions = [
        make_question("right", "?", "x"),
        make_question("silent", "?"),
        make_question("late", "?", "x"),
        make_question("wrong", "?", "x"),
    ]
    scores = {"right": [1, 1], "silent": [0, 0], "late": [1, 1], "wrong": [0, 0]}
    odds = {"right": -5.0, "silent": -1.0, "late": 2.0, "wrong": 2.0}

    points, average = precision_recall(questions, scores, odds, 0)

    third = pytest.approx(1 / 3)
    assert points == [(0, 1), (third, 1), (third, 0.5), (pytest.approx(2 / 3), 0.5)]
    assert average == pytest.approx(100 * (1 / 3 + 0.5 / 3))
