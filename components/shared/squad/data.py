"""SQuAD files of versions 1.1 and 2.0, and of other data sets in their form."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from components.shared.errors import InputError
from components.shared.files.documents import describe, parse_document

Version = Literal["1.1", "2.0"]

_FORM = "a SQuAD file as published at rajpurkar.github.io/SQuAD-explorer"
_KIND = {
    dict: "an object",
    list: "a list",
    str: "text",
    bool: "true or false",
}
# Each field's name in SQuAD's files, and in CMRC 2018's own form.
_CONTEXT = ("context", "context_text")
_QUESTION = ("question", "query_text")
_ID = ("id", "query_id")


@dataclass(frozen=True)
class Answer:
    """A gold answer."""

    text: str
    start: int | None
    """Character of the context where the file says it starts; None if the file does not say."""


@dataclass(frozen=True)
class Question:
    """One question about one context."""

    id: str
    title: str
    question: str
    context: str
    answers: tuple[Answer, ...]
    is_impossible: bool


@dataclass(frozen=True)
class SquadData:
    """The questions of a SQuAD file, in the file's order."""

    version: Version
    """2.0 if a question may be impossible."""
    questions: tuple[Question, ...]
    num_impossible_dropped: int = 0
    """Impossible questions of a file that is read as 1.1."""

    def describe(self) -> Iterator[str]:
        """The line that tells a person what was dropped; none if nothing was."""
        if self.num_impossible_dropped:
            yield f"impossible questions dropped for SQuAD 1.1: {self.num_impossible_dropped}"


def read_squad(path: Path, *, version: str = "auto") -> SquadData:
    """Read a SQuAD file, or one of the forms that other data sets are published in.

    An id is any JSON scalar and becomes text, as in the files of predictions. Answers may be
    anywhere in the context, or nowhere: scores need their text alone.

    Args:
        path: the file.
        version: 1.1, 2.0, or auto: 2.0 if at least one question has is_impossible true. Version
            1.1 drops the impossible questions; in version 2.0 a question without answers is
            impossible too, as in the official script.

    Raises:
        InputError: if the file is missing, not JSON or not of SQuAD's form; the message
            names the place, what stands there and the remedy.
    """
    questions = tuple(_read_questions(_Node(path, "", _read_json(path))))
    if not questions:
        raise InputError(f"{path}: holds no questions; give {_FORM}")
    any_impossible = any(question.is_impossible for question in questions)
    if version == "2.0" or (version == "auto" and any_impossible):
        return SquadData("2.0", tuple(map(_without_answers_is_impossible, questions)))
    possible = tuple(question for question in questions if not question.is_impossible)
    if not possible:
        raise InputError(
            f"{path}: every question is impossible, so none is left in version 1.1; set "
            "squad_version to 2.0"
        )
    return SquadData("1.1", possible, len(questions) - len(possible))


def expect_distinct_ids(questions: Sequence[Question], source: str) -> None:
    """Reject questions that share an id: predictions are keyed by it.

    Raises:
        InputError: naming the first id that is there twice.
    """
    id_to_place: dict[str, int] = {}
    for place, question in enumerate(questions, start=1):
        first = id_to_place.setdefault(question.id, place)
        if first != place:
            raise InputError(
                f"{source}: questions {first} and {place} have the same id {question.id!r}; "
                "predictions are keyed by id, so give each question its own"
            )


def articles_of(document: Any) -> list[Any]:
    """The list that a SQuAD document holds: its articles, or paragraphs in CMRC 2018's form."""
    articles: list[Any] = document if isinstance(document, list) else document["data"]
    return articles


def _without_answers_is_impossible(question: Question) -> Question:
    return question if question.answers else replace(question, is_impossible=True)


def _read_json(path: Path) -> Any:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such SQuAD file") from None
    except IsADirectoryError:
        raise InputError(f"{path}: is a folder; give {_FORM}") from None
    if not content.strip():
        raise InputError(f"{path}: the file is empty; give {_FORM}")
    remedy = f"it may be cut short: fetch it again, or give {_FORM}"
    return parse_document(content, source=str(path), remedy=remedy)


def _read_questions(root: "_Node") -> Iterator[Question]:
    if not isinstance(root.value, list):
        root.expect(dict)
        root = root.get("data", kind=list)
    for article in root.items():
        title = article.value.get("title")
        # In CMRC 2018's own form the articles are paragraphs.
        has_paragraphs = "paragraphs" in article.value or "qas" not in article.value
        nodes = article.get("paragraphs", kind=list).items() if has_paragraphs else [article]
        for paragraph in nodes:
            context = paragraph.get(*_CONTEXT, kind=str).value
            for node in paragraph.get("qas", kind=list).items():
                yield Question(
                    id=node.get_id(),
                    title=title if isinstance(title, str) else "",
                    question=node.get(*_QUESTION, kind=str).value,
                    context=context,
                    answers=tuple(_read_answers(node)),
                    is_impossible=_read_flag(node, "is_impossible"),
                )


def _read_answers(node: "_Node") -> Iterator[Answer]:
    """Answers as objects or, in CMRC 2018's own form, as texts."""
    if node.value.get("answers") is None:
        return
    for answer in node.get("answers", kind=list).items(dict, str):
        if isinstance(answer.value, str):
            yield Answer(answer.value, None)
            continue
        start = answer.value.get("answer_start")
        # CMRC 2018 has -1 for an answer that is not in its context.
        is_known = type(start) is int and start >= 0
        yield Answer(answer.get("text", kind=str).value, start if is_known else None)


def _read_flag(node: "_Node", name: str) -> bool:
    """A field that run_squad takes as true or false: tools write 0, 1 and null, too."""
    value = node.value.get(name)
    return bool(value) if value in (0, 1, None) else node.get(name, kind=bool).value


@dataclass(frozen=True)
class _Node:
    """A value of the JSON document that knows its place, for error messages."""

    file: Path
    place: str
    value: Any

    def get(self, *names: str, kind: type) -> "_Node":
        """The field with the first of these names that is there."""
        name = next((name for name in names if name in self.value), None)
        if name is None:
            fields = ", ".join(map(repr, self.value)) or "nothing"
            raise self.error(f"the field {names[0]!r} is missing (found {fields})")
        field = self._child(name)
        field.expect(kind)
        return field

    def get_id(self) -> str:
        """The question's id as text: what a JSON object has for it as a key."""
        value = self.get(*_ID, kind=object).value
        if isinstance(value, dict | list):
            raise self.error(f"the id is {describe(value)}, not text or a number")
        return value if isinstance(value, str) else json.dumps(value)

    def items(self, *kinds: type) -> Iterator["_Node"]:
        """The items of a list, objects if no other kinds are named."""
        for index, value in enumerate(self.value):
            item = _Node(self.file, f"{self.place}[{index}]", value)
            item.expect(*(kinds or (dict,)))
            yield item

    def expect(self, *kinds: type) -> None:
        """Reject a value of another kind."""
        if object not in kinds and type(self.value) not in kinds:
            wanted = " or ".join(_KIND[kind] for kind in kinds)
            raise self.error(f"expected {wanted}, found {describe(self.value)}")

    def error(self, found: str) -> InputError:
        """The error at this place."""
        return InputError(f"{self.file}: {self.place or 'the document'}: {found}; give {_FORM}")

    def _child(self, name: str) -> "_Node":
        place = f"{self.place}.{name}".removeprefix(".")
        return _Node(self.file, place, self.value[name])
