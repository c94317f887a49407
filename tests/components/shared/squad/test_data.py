"""SQuAD files are read whole, or refused with the place and the remedy."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from components.shared.errors import InputError
from components.shared.squad.data import Answer, Question, read_squad

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


def test_the_field_is_impossible_makes_it_version_2(tmp_path):
    """A file that does not name its version is 2.0 where it knows impossible questions."""

    def change(document):
        del document["version"]
        question = {"id": "q2", "question": "?", "answers": [], "is_impossible": True}
        _qas(document).append(question)

    data = read_squad(_write(tmp_path, _document(change)))

    assert data.version == "2.0"
    assert [question.is_impossible for question in data.questions] == [False, True]


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
            lambda d: _qas(d)[0].update(id=7),
            "data[0].paragraphs[0].qas[0].id",
            "expected a text, found 7",
        ),
        (
            lambda d: _qas(d)[0]["answers"][0].update(answer_start="19"),
            "data[0].paragraphs[0].qas[0].answers[0].answer_start",
            'expected a whole number, found "19"',
        ),
        (
            lambda d: _qas(d)[0]["answers"][0].update(answer_start=True),
            "data[0].paragraphs[0].qas[0].answers[0].answer_start",
            "expected a whole number, found true",
        ),
        (
            lambda d: _qas(d)[0]["answers"][0].update(text=" "),
            "data[0].paragraphs[0].qas[0].answers[0].text",
            "text is ' '",
        ),
        (
            lambda d: _qas(d)[0].update(is_impossible="yes"),
            "data[0].paragraphs[0].qas[0].is_impossible",
            'expected true or false, found "yes"',
        ),
        (
            lambda d: _qas(d)[0].update(answers=[]),
            "data[0].paragraphs[0].qas[0]",
            "answers holds 0 answers and is_impossible is false",
        ),
        (
            lambda d: _qas(d)[0].update(is_impossible=True),
            "data[0].paragraphs[0].qas[0]",
            "answers holds 1 answers and is_impossible is true",
        ),
        (
            lambda d: _qas(d).append(_qas(d)[0]),
            "data[0].paragraphs[0].qas[1].id",
            "the id 'q1' stands at data[0].paragraphs[0].qas[0] already",
        ),
    ],
)
def test_a_malformed_file_is_refused_with_the_place(tmp_path, change, place, found):
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


@pytest.mark.parametrize("start", [18, -12, 99])
def test_an_answer_that_is_not_at_its_place_is_refused(tmp_path, start):
    """The message says what stands there and where the text is."""
    path = _write(
        tmp_path, _document(lambda d: _qas(d)[0]["answers"][0].update(answer_start=start))
    )

    with pytest.raises(InputError) as error:
        read_squad(path)

    found = {18: "' Switzerlan'", -12: "''", 99: "''"}[start]
    assert f"answers[0].answer_start: answer_start is {start}" in str(error.value)
    assert f"the context has {found}, not the text 'Switzerland'" in str(error.value)
    assert "it stands at 19 first" in str(error.value)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("", ": the file is empty"),
        (" \n", ": the file is empty"),
        ('{"data": [\n}', ", line 2, column 1: not JSON"),
        ('{"version": "1.1", "data": []}', ": holds no questions"),
        ("[]", ": the document: expected an object, found []"),
    ],
)
def test_a_file_that_is_no_squad_file_is_refused(tmp_path, content, found):
    """Empty, cut short, without questions, or of another form."""
    path = _write(tmp_path, content)

    with pytest.raises(InputError) as error:
        read_squad(path)

    assert str(error.value).startswith(f"{path}{found}")


def test_bytes_that_are_not_utf8_are_refused(tmp_path):
    """The message names the byte."""
    path = tmp_path / "squad.json"
    path.write_bytes(b'{"data": "\xff"}')

    with pytest.raises(InputError, match="byte 10 is not UTF-8"):
        read_squad(path)


def test_a_missing_file_is_refused(tmp_path):
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
