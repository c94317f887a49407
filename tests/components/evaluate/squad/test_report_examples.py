"""The report's questions are chosen and marked so that a person sees what went wrong."""

import pytest

from components.evaluate.squad.prediction_files import Answers
from components.evaluate.squad.report_examples import (
    AnsweredQuestion,
    Segment,
    choose_answered,
    mark_context,
)
from components.shared.squad.data import Answer, Question


def _answered(context: str, prediction: str, *golds: str) -> AnsweredQuestion:
    answers = tuple(Answer(gold, context.index(gold)) for gold in golds)
    question = Question("q", "", "?", context, answers, is_impossible=not golds)
    return AnsweredQuestion(question, prediction, exact=0, f1=0, probability=0.5)


def test_marks_the_gold_and_the_predicted_answer():
    """Each by itself where they are apart."""
    assert mark_context(_answered("a cat on a mat", "mat", "cat")) == [
        Segment("a ", ""),
        Segment("cat", "gold"),
        Segment(" on a ", ""),
        Segment("mat", "predicted"),
    ]


def test_marks_what_both_have_in_common():
    """The predicted answer is longer than the gold one."""
    assert mark_context(_answered("on a red mat", "red mat", "mat")) == [
        Segment("on a ", ""),
        Segment("red ", "predicted"),
        Segment("mat", "both"),
    ]


def test_marks_the_gold_answer_and_the_place_that_are_nearest():
    """Of two golds and two places of "cat" the pair that overlaps."""
    answered = _answered("cat, mat, big cat", "cat", "mat", "big cat")

    assert mark_context(answered)[-2:] == [Segment("big ", "gold"), Segment("cat", "both")]


@pytest.mark.parametrize("prediction", ["", "not in the context"])
def test_no_answer_has_no_mark(prediction):
    """Nor has one that is not in the context."""
    assert mark_context(_answered("a cat", prediction)) == [Segment("a cat", "")]


def test_a_long_context_is_cut_far_from_the_answers():
    """400 characters on each side of an answer stay."""
    context = "x" * 5000 + "cat" + "y" * 5000 + "mat" + "z" * 5000

    segments = mark_context(_answered(context, "mat", "cat"))

    assert segments == [
        Segment(" … " + "x" * 400, ""),
        Segment("cat", "gold"),
        Segment("y" * 400 + " … " + "y" * 400, ""),
        Segment("mat", "predicted"),
        Segment("z" * 400 + " … ", ""),
    ]


def test_a_long_context_without_answers_shows_its_beginning():
    """There is nothing to show the surroundings of."""
    assert mark_context(_answered("x" * 5000, "")) == [Segment("x" * 400 + " … ", "")]


def _choose(num_right: int, num_wrong: int, count: int) -> str:
    """The verdicts of the chosen ones: r or w."""
    questions = [
        Question(str(n), "", "?", "cat", (Answer("cat", 0),), is_impossible=False)
        for n in range(num_right + num_wrong)
    ]
    texts = ["cat"] * num_right + ["mat"] * num_wrong
    answers = Answers()
    for question, text in zip(questions, texts, strict=True):
        answers.predictions[question.id] = text
        answers.probabilities[question.id] = 1.0
    return "".join(item.verdict[0] for item in choose_answered(questions, answers, count))


@pytest.mark.parametrize(
    ("num_right", "num_wrong", "chosen"),
    [(50, 50, "rrrwww"), (50, 1, "rrrrrw"), (1, 50, "rwwwww"), (2, 1, "rrw"), (0, 0, "")],
)
def test_chooses_half_right_and_half_wrong_where_there_are(num_right, num_wrong, chosen):
    """Six of them, or all if there are fewer."""
    assert _choose(num_right, num_wrong, 6) == chosen


def test_chooses_none_if_none_are_wanted():
    """The report then has no questions."""
    assert _choose(5, 5, 0) == ""


def test_right_answers_are_not_all_no_answer():
    """Of three right ones two are silent; the one that says something is among two shown."""
    questions = [
        Question("a", "", "?", "a cat", (), is_impossible=True),
        Question("b", "", "?", "a cat", (), is_impossible=True),
        Question("c", "", "?", "a cat", (Answer("cat", 2),), is_impossible=False),
    ]
    answers = Answers({"a": "", "b": "", "c": "cat"}, dict.fromkeys("abc", 0.0))

    chosen = choose_answered(questions, answers, 2)

    assert [item.question.id for item in chosen] == ["a", "c"]
