"""Answers to train on are found in their contexts, or skipped and counted."""

from collections import Counter
from pathlib import Path

import pytest

from components.shared.errors import InputError
from components.shared.squad.answers import UnplacedAnswerError, place_answer, place_answers
from components.shared.squad.data import Answer, Question, read_squad

_FOREIGN = Path(__file__).with_name("foreign")


def _question(context: str, *answers: Answer, is_impossible: bool = False) -> Question:
    return Question("q", "", "who?", context, answers, is_impossible)


@pytest.mark.parametrize(
    ("start", "place"),
    [
        (0, (0, 3)),  # at its place
        (8, (8, 11)),  # at its place, the second time it is there
        (1, (0, 3)),  # the first is nearer
        (6, (8, 11)),  # the second is nearer
        (99, (8, 11)),
    ],
)
def test_an_answer_is_at_its_place_or_the_nearest_one(start, place):
    """answer_start of other people's files is often a little off."""
    assert place_answer("ann and ann", Answer("ann", start)) == place


def test_the_only_place_is_found_without_answer_start():
    """CMRC 2018's own files do not say where answers start."""
    assert place_answer("bob and ann", Answer("ann", None)) == (8, 11)


@pytest.mark.parametrize("start", [4, None])
def test_of_several_places_equally_near_none_is_chosen(start):
    """Each is 4 characters away, or as far away as the other."""
    with pytest.raises(UnplacedAnswerError, match="more than once"):
        place_answer("ann and ann", Answer("ann", start))


def test_white_space_in_an_answer_stands_for_any():
    """The context has two spaces and a no-break space."""
    assert place_answer("a  b\u00a0c d", Answer("a b c", 0)) == (0, 6)


@pytest.mark.parametrize(("text", "reason"), [(" ", "is empty"), ("Ann", "is not in the context")])
def test_an_answer_that_is_nowhere_has_a_reason(text, reason):
    """Another case is another answer, as for run_squad."""
    with pytest.raises(UnplacedAnswerError, match=reason):
        place_answer("bob and ann", Answer(text, 0))


def test_the_answer_becomes_what_the_context_has():
    """Its text and its start are the context's."""
    placed = place_answers(
        [_question("x a\u00a0b", Answer("a b", 0))], max_bad_rate=0, source="train.json"
    )

    assert placed.questions == (_question("x a\u00a0b", Answer("a\u00a0b", 2)),)
    assert placed.num_moved == 1


def test_skipped_questions_are_counted_by_reason_and_the_first_five_are_shown():
    """Impossible questions have no answer to find."""
    questions = [
        *(_question("b", Answer(f"a{number}", 0)) for number in range(6)),
        _question("b"),
        _question("b", is_impossible=True),
    ]

    placed = place_answers(questions, max_bad_rate=1, source="train.json")

    assert placed.questions == (questions[-1],)
    assert placed.reason_to_count == Counter(
        {"the answer is not in the context": 6, "no answer is given": 1}
    )
    assert list(placed.describe()) == [
        "questions skipped because the answer is not in the context: 6",
        "questions skipped because no answer is given: 1",
        "first questions skipped: "
        + "; ".join(f"'q' (answer 'a{number}', answer_start 0)" for number in range(5)),
    ]


def test_more_bad_answers_than_max_bad_rate_are_rejected():
    """One of four is a fourth, which is allowed, and more than a fifth, which is not."""
    questions = [*[_question("a", Answer("a", 0))] * 3, _question("a", Answer("b", 0))]

    assert len(place_answers(questions, max_bad_rate=0.25, source="x").questions) == 3
    with pytest.raises(InputError) as error:
        place_answers(questions, max_bad_rate=0.2, source="train.json")

    assert str(error.value) == (
        "train.json: 1 of 4 questions cannot be trained on, more than max_bad_rate 0.2 allows: "
        "questions skipped because the answer is not in the context: 1; first questions skipped: "
        "'q' (answer 'b', answer_start 0); correct the file, or raise max_bad_rate"
    )


@pytest.mark.parametrize(
    ("name", "version", "num_placed", "num_moved", "num_skipped"),
    [
        ("arcd", "1.1", 3, 1, 0),
        ("cmrc2018-own", "1.1", 2, 2, 0),
        ("cmrc2018-squad", "1.1", 2, 1, 1),
        ("germanquad", "1.1", 2, 0, 0),
        ("persianqa", "2.0", 3, 1, 0),
        ("squad-it", "1.1", 2, 1, 1),
    ],
)
def test_reads_the_forms_of_other_data_sets(name, version, num_placed, num_moved, num_skipped):
    """Each has what these data sets are known for: numbers as ids, answers that are elsewhere."""
    path = _FOREIGN / f"{name}.json"

    data = read_squad(path)
    placed = place_answers(data.questions, max_bad_rate=1, source=str(path))

    assert data.version == version
    assert all(question.question and question.context for question in data.questions)
    assert len(placed.questions) == num_placed
    assert (placed.num_moved, placed.reason_to_count.total()) == (num_moved, num_skipped)
    for question in placed.questions:
        for answer in question.answers:
            assert question.context.startswith(answer.text, answer.start)
