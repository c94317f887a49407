"""A record of a text file, and the paragraphs in it."""

import re
from dataclasses import dataclass
from typing import Literal, NamedTuple

from components.preprocess.outcomes import (
    NO_FIELD,
    NOT_AN_OBJECT,
    NOT_IN_ENCODING,
    NOT_JSON,
    NOT_TEXT,
    NULL,
)
from components.shared.files.text import parse_json, replace_surrogates

Form = Literal["text", "json", "sentences"]

_BLANK_LINES = re.compile(r"\n(?:[ \t]*\n)+")
# Lines that an editor has wrapped: all but a paragraph's last are nearly full, and none is longer
# than the widest margin in use. Verse, lists and headings are shorter, paragraphs longer.
_WRAPPED_LINE = range(45, 101)


@dataclass(frozen=True)
class TextSource:
    """Where records come from, and how they are read."""

    path: str
    form: Form
    """text: paragraphs. json: an object with the text in a field. sentences: one a line."""
    language: str
    encoding: str = "utf-8"
    field: str = ""


class Record(NamedTuple):
    """A document as it stands in a file."""

    place: int
    """Where it starts: the byte, or the row in Parquet."""
    data: bytes
    problem: str = ""
    """Why it can't be read, where that is known already."""


def read_record(record: Record, source: TextSource) -> list[str] | str:
    """The paragraphs of a record, or sentences where it holds those; else what is wrong with it."""
    if record.problem:
        return record.problem
    try:
        text = record.data.decode(source.encoding)
    except UnicodeDecodeError:
        return NOT_IN_ENCODING
    if source.form == "json":
        found = _read_field(text, source.field)
        if found.problem:
            return found.problem
        text = found.text
    # UTF-8 has no lone surrogates, and JSON's escapes of them are replaced already.
    if source.encoding != "utf-8":
        text = replace_surrogates(text)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if source.form == "sentences":
        return _split_lines(text)
    return split_paragraphs(text)


class _Field(NamedTuple):
    text: str
    problem: str = ""


def _read_field(line: str, name: str) -> _Field:
    try:
        value = parse_json(line)
    except (ValueError, RecursionError):
        return _Field("", NOT_JSON)
    if not isinstance(value, dict):
        return _Field("", NOT_AN_OBJECT)
    if name not in value:
        return _Field("", NO_FIELD)
    text = value[name]
    if text is None:
        return _Field("", NULL)
    return _Field(text) if isinstance(text, str) else _Field("", NOT_TEXT)


def split_paragraphs(text: str) -> list[str]:
    """The paragraphs of a text: its lines, or blocks of lines that an editor has wrapped."""
    paragraphs = []
    for block in _BLANK_LINES.split(text):
        lines = _split_lines(block)
        if (
            len(lines) > 1
            and len(lines[-1]) < _WRAPPED_LINE.stop
            and all(len(line) in _WRAPPED_LINE for line in lines[:-1])
        ):
            lines = [" ".join(lines)]
        paragraphs += lines
    return paragraphs


def _split_lines(text: str) -> list[str]:
    """The lines that aren't blank, without the spaces around them."""
    return [line for line in map(str.strip, text.split("\n")) if line]
