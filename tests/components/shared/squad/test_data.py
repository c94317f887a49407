"""SQuAD files are read whole, or refused with the place and the remedy."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from components.shared.errors import InputError
from components.shared.squad.data import Answer, Question, expect_distinct_ids, read_squad
from tests.mutations import NUM_MUTATIONS, fuzz

_CONTEXT = "The Rhine rises in Switzerland."
_DOCUMENT: dict[str, Any] = {
    "version": "1.1",
    "data": [
        {
            "title": "Rhine",
            "paragraphs": [
                {
                    "context": _CONTEXT,
                    "qas": [
                        {
                            "id": "q1",
                            "question": "Where does the Rhine rise?",
                            "answers": [{"text": "Switzerland", "answer_start": 19}],
                        }
                    ],
                }
            ],
        }
    ],
}


def _document(change=lambda document: None) -> dict[str, Any]:
    document = copy.deepcopy(_DOCUMENT)
    change(document)
    return document


def _write(folder: Path, document: Any) -> Path:
    path = folder / "squad.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def _qas(document: dict[str, Any]) -> list[dict[str, Any]]:
    return document["data"][0]["paragraphs"][0]["qas"]


def test_reads_a_question_with_its_context_and_answers(tmp_path):
    """Each question carries its article's title and its paragraph's context."""
    data = read_squad(_write(tmp_path, _DOCUMENT))

    assert data.version == "1.1"
    assert data.questions == (
        Question(
            "q1",
            "Rhine",
            "Where does the Rhine rise?",
            _CONTEXT,
            (Answer("Switzerland", 19),),
            is_impossible=False,
        ),
    )


@pytest.mark.parametrize(
    ("id_", "text"),
    [("q", "q"), (7, "7"), (1.5, "1.5"), (True, "true"), (None, "null"), ("7", "7")],
)
def test_any_scalar_is_an_id(tmp_path, id_, text):
    """It becomes the key that json.dump writes for it in a file of predictions."""
    path = _write(tmp_path, _document(lambda d: _qas(d)[0].update(id=id_)))

    (question,) = read_squad(path).questions

    assert question.id == text
    assert text in json.loads(json.dumps({id_: ""}))


@pytest.mark.parametrize("start", [18, -12, 99, "19", True, None, 1.0])
def test_any_answer_start_can_be_read(tmp_path, start):
    """Scores need the text alone; what is no place in a text counts as not given."""
    path = _write(
        tmp_path, _document(lambda d: _qas(d)[0]["answers"][0].update(answer_start=start))
    )

    (question,) = read_squad(path).questions

    known = start if start in (18, 99) else None
    assert question.answers == (Answer("Switzerland", known),)


def _add_impossible(document):
    question = {"id": "q2", "question": "?", "answers": [], "is_impossible": True}
    _qas(document).append(question)


def test_an_impossible_question_makes_it_version_2(tmp_path):
    """Whatever version the file names."""
    data = read_squad(_write(tmp_path, _document(_add_impossible)))

    assert data.version == "2.0"
    assert [question.is_impossible for question in data.questions] == [False, True]


def test_the_field_is_impossible_alone_does_not_make_it_version_2(tmp_path):
    """GermanQuAD has it, always false, and a file may name a version 2.0 of its own."""

    def change(document):
        document["version"] = "2.0"
        _qas(document)[0]["is_impossible"] = False

    assert read_squad(_write(tmp_path, _document(change))).version == "1.1"


@pytest.mark.parametrize(
    ("value", "version"), [(None, "1.1"), (0, "1.1"), (False, "1.1"), (1, "2.0"), (True, "2.0")]
)
def test_is_impossible_may_be_a_number_or_null(tmp_path, value, version):
    """run_squad asks only whether it is true; a text would always be."""
    change = lambda document: _qas(document).append(  # noqa: E731
        {"id": "q2", "question": "?", "answers": None, "is_impossible": value}
    )

    assert read_squad(_write(tmp_path, _document(change))).version == version


def test_version_1_drops_impossible_questions(tmp_path):
    """They are counted, so that a person hears of it."""
    data = read_squad(_write(tmp_path, _document(_add_impossible)), version="1.1")

    assert data.version == "1.1"
    assert [question.id for question in data.questions] == ["q1"]
    assert list(data.describe()) == ["impossible questions dropped for SQuAD 1.1: 1"]


def test_version_2_takes_questions_without_answers_for_impossible(tmp_path):
    """As the official script does."""
    path = _write(tmp_path, _document(lambda d: _qas(d).append({"id": "q2", "question": "?"})))

    assert [q.is_impossible for q in read_squad(path, version="2.0").questions] == [False, True]
    assert [q.is_impossible for q in read_squad(path).questions] == [False, False]


def test_version_1_of_impossible_questions_alone_is_rejected(tmp_path):
    """No question would be left."""
    path = _write(tmp_path, _document(lambda d: _qas(d)[0].update(is_impossible=True)))

    with pytest.raises(InputError, match="set squad_version to 2.0"):
        read_squad(path, version="1.1")


def test_questions_with_one_id_are_rejected_where_predictions_are_keyed_by_it(tmp_path):
    """The numbers 1 and "1" are one key."""

    def change(document):
        _qas(document)[0]["id"] = 1
        _qas(document).append({**_qas(document)[0], "id": "1"})

    questions = read_squad(_write(tmp_path, _document(change))).questions

    with pytest.raises(InputError, match="dev.json: questions 1 and 2 have the same id '1'"):
        expect_distinct_ids(questions, "dev.json")


@pytest.mark.parametrize(
    ("change", "place", "found"),
    [
        (lambda d: d.pop("data"), "the document", "the field 'data' is missing"),
        (lambda d: d["data"].append("x"), "data[1]", 'expected an object, found "x"'),
        (
            lambda d: d["data"][0].update(paragraphs={}),
            "data[0].paragraphs",
            "expected a list, found {}",
        ),
        (
            lambda d: d["data"][0]["paragraphs"][0].pop("context"),
            "data[0].paragraphs[0]",
            "the field 'context' is missing",
        ),
        (
            lambda d: _qas(d)[0].update(id=[7]),
            "data[0].paragraphs[0].qas[0]",
            "the id is [7], not text or a number",
        ),
        (
            lambda d: _qas(d)[0]["answers"][0].update(text=19),
            "data[0].paragraphs[0].qas[0].answers[0].text",
            "expected text, found 19",
        ),
        (
            lambda d: _qas(d)[0].update(answers=[19]),
            "data[0].paragraphs[0].qas[0].answers[0]",
            "expected an object or text, found 19",
        ),
        (
            lambda d: _qas(d)[0].update(is_impossible="yes"),
            "data[0].paragraphs[0].qas[0].is_impossible",
            'expected true or false, found "yes"',
        ),
    ],
)
def test_a_malformed_file_is_rejected_with_the_place(tmp_path, change, place, found):
    """The message names file, place and what was found there."""
    path = _write(tmp_path, _document(change))

    with pytest.raises(InputError) as error:
        read_squad(path)

    assert str(error.value).startswith(f"{path}: {place}: {found}")


def test_half_a_surrogate_pair_is_replaced(tmp_path):
    """In every text, and answers stay where they are."""

    def change(document):
        document["data"][0]["title"] = "\ud800"
        document["data"][0]["paragraphs"][0]["context"] = f"\ud83d 😀 {_CONTEXT}\udc00"
        answer = {"text": "land.\udc00", "answer_start": 4 + _CONTEXT.index("land.")}
        _qas(document)[0].update(id="q\ud800", question="half \ud83d", answers=[answer])

    (question,) = read_squad(_write(tmp_path, _document(change))).questions

    assert question == Question(
        "q\ufffd",
        "\ufffd",
        "half \ufffd",
        f"\ufffd 😀 {_CONTEXT}\ufffd",
        (Answer("land.\ufffd", 4 + _CONTEXT.index("land.")),),
        is_impossible=False,
    )


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("", ": the file is empty"),
        (" \n", ": the file is empty"),
        ('{"data": [\n}', ": line 2, column 1: not JSON"),
        ('{"version": "1.1", "data": []}', ": holds no questions"),
        ("[]", ": holds no questions"),
        ("7", ": the document: expected an object, found 7"),
    ],
)
def test_a_file_that_is_no_squad_file_is_rejected(tmp_path, content, found):
    """Empty, cut short, without questions, or of another form."""
    path = _write(tmp_path, content)

    with pytest.raises(InputError) as error:
        read_squad(path)

    assert str(error.value).startswith(f"{path}{found}")


def test_a_damaged_file_is_told_in_one_line(tmp_path):
    """Whatever was done to it; deep nesting and endless numbers too."""
    path = tmp_path / "squad.json"

    def read(content: bytes) -> tuple[Question, ...]:
        path.write_bytes(content)
        return read_squad(path).questions

    messages = fuzz(json.dumps(_DOCUMENT).encode(), read, tuple[Question, ...])

    assert len(messages) > NUM_MUTATIONS / 3
    assert all(message.startswith(str(path)) for message in messages)


def test_bytes_that_are_not_utf8_are_rejected(tmp_path):
    """The message names the byte."""
    path = tmp_path / "squad.json"
    path.write_bytes(b'{"data": "\xff"}')

    with pytest.raises(InputError, match="byte 10 is not utf-8; JSON is UTF-8"):
        read_squad(path)


def test_a_missing_file_is_rejected(tmp_path):
    """The message names it."""
    with pytest.raises(InputError, match=r"nothing\.json: no such SQuAD file"):
        read_squad(tmp_path / "nothing.json")


def test_reads_the_published_files(real_data):
    """All questions of the real files pass the checks."""
    counts = {
        name: len(read_squad(real_data / f"squad-{name}.json").questions)
        for name in ("v1.1-train", "v1.1-dev", "v2.0-train", "v2.0-dev")
    }

    assert counts == {"v1.1-train": 7539, "v1.1-dev": 1770, "v2.0-train": 7958, "v2.0-dev": 1613}
