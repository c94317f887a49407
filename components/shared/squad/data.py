"""SQuAD files of versions 1.1 and 2.0, checked field by field."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from components.shared.errors import InputError
from components.shared.text import parse_json

_FORM = "a SQuAD file as published at rajpurkar.github.io/SQuAD-explorer"
_KIND = {
    dict: "an object",
    list: "a list",
    str: "a text",
    int: "a whole number",
    bool: "true or false",
}


@dataclass(frozen=True)
class Answer:
    """A gold answer: the text, and the character of the context it starts at."""

    text: str
    start: int


@dataclass(frozen=True)
class Question:
    """One question about one context."""

    id: str
    title: str
    question: str
    context: str
    answers: tuple[Answer, ...]
    """Empty exactly where is_impossible."""
    is_impossible: bool


@dataclass(frozen=True)
class SquadData:
    """The questions of a SQuAD file, in the file's order."""

    version: Literal["1.1", "2.0"]
    questions: tuple[Question, ...]


def read_squad(path: Path) -> SquadData:
    """Read a SQuAD file; version 2.0 if it says so or holds the field is_impossible.

    Raises:
        InputError: if the file is missing, not JSON or not of SQuAD's form; the message
            names the place, what stands there and the remedy.
    """
    root = _Node(path, "", _read_json(path))
    root.expect(dict)
    questions: list[Question] = []
    id_to_place: dict[str, str] = {}
    is_version_2 = "2.0" in str(root.value.get("version", ""))
    for article in root.items("data"):
        title = article.get("title", str) if "title" in article.value else ""
        for paragraph in article.items("paragraphs"):
            context = paragraph.get("context", str)
            for node in paragraph.items("qas"):
                question = _read_question(node, title, context)
                _expect_new(node, question.id, id_to_place)
                questions.append(question)
                is_version_2 |= "is_impossible" in node.value
    if not questions:
        raise InputError(f"{path}: holds no questions; give {_FORM}")
    return SquadData("2.0" if is_version_2 else "1.1", tuple(questions))


def _read_json(path: Path) -> Any:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such SQuAD file") from None
    except IsADirectoryError:
        raise InputError(f"{path}: is a folder; give {_FORM}") from None
    if not content.strip():
        raise InputError(f"{path}: the file is empty; give {_FORM}")
    try:
        return parse_json(content)
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: byte {error.start} is not UTF-8; give {_FORM}") from None
    except json.JSONDecodeError as error:
        raise InputError(
            f"{path}, line {error.lineno}, column {error.colno}: not JSON ({error.msg}); the file "
            f"may be cut short: fetch it again, or give {_FORM}"
        ) from None


def _read_question(node: "_Node", title: str, context: str) -> Question:
    id_ = node.get("id", str)
    text = node.get("question", str)
    is_impossible = "is_impossible" in node.value and node.get("is_impossible", bool)
    has_no_field = is_impossible and "answers" not in node.value
    nodes = [] if has_no_field else list(node.items("answers"))
    if is_impossible == bool(nodes):
        raise node.error(
            f"answers holds {len(nodes)} answers and is_impossible is {str(is_impossible).lower()}",
            "a question has answers, or is_impossible true and none",
        )
    answers = tuple(_read_answer(answer, context) for answer in nodes)
    return Question(id_, title, text, context, answers, is_impossible)


def _read_answer(node: "_Node", context: str) -> Answer:
    text, start = node.get("text", str), node.get("answer_start", int)
    if not text.strip():
        raise node.error(f"text is {text!r}", "an answer is a part of the context", ".text")
    found = context[start : start + len(text)] if start >= 0 else ""
    if found != text:
        at = context.find(text)
        remedy = f"it stands at {at} first" if at >= 0 else "it stands nowhere in the context"
        raise node.error(
            f"answer_start is {start}, where the context has {found!r}, not the text {text!r}",
            f"{remedy}; answer_start counts characters of the context from 0",
            ".answer_start",
        )
    return Answer(text, start)


def _expect_new(node: "_Node", id_: str, id_to_place: dict[str, str]) -> None:
    if id_ in id_to_place:
        raise node.error(
            f"the id {id_!r} stands at {id_to_place[id_]} already",
            "each question needs an id of its own, since predictions are keyed by it",
            ".id",
        )
    id_to_place[id_] = node.place


@dataclass(frozen=True)
class _Node:
    """A value of the JSON document that knows its place, for error messages."""

    file: Path
    place: str
    value: Any

    def get(self, name: str, kind: type) -> Any:
        """The value of a field that must be there and of this kind."""
        return self._field(name, kind).value

    def items(self, name: str) -> Iterator["_Node"]:
        """The objects of the list in a field."""
        listed = self._field(name, list)
        for index, value in enumerate(listed.value):
            item = _Node(self.file, f"{listed.place}[{index}]", value)
            item.expect(dict)
            yield item

    def _field(self, name: str, kind: type) -> "_Node":
        if name not in self.value:
            fields = ", ".join(map(repr, self.value)) or "nothing"
            raise self.error(f"the field {name!r} is missing (found {fields})", f"give {_FORM}")
        field = _Node(self.file, f"{self.place}.{name}".removeprefix("."), self.value[name])
        field.expect(kind)
        return field

    def expect(self, kind: type) -> None:
        """Reject a value of another kind."""
        if type(self.value) is not kind:
            found = json.dumps(self.value)
            found = found if len(found) <= 60 else found[:60] + "…"
            raise self.error(f"expected {_KIND[kind]}, found {found}", f"give {_FORM}")

    def error(self, found: str, remedy: str, field: str = "") -> InputError:
        """The error at this place, or at a field of it."""
        place = f"{self.place}{field}" or "the document"
        return InputError(f"{self.file}: {place}: {found}; {remedy}")
