"""Format numbers: every file that outlives its run names its format and the release that wrote it.

    {"format_version": 1, "written_by": "kubeflow-bert 0.1.0", ...}

Raise a file's number when a reader of the number before would misunderstand the new form. Its
reader keeps reading the older numbers. tests/compatibility/ holds the structure of each number,
and files of earlier releases.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from components.shared.errors import InputError, NewerFormatError
from components.shared.files.documents import decode_json, describe, expect_shape, load_json
from components.shared.images import VERSION

Shape = TypeVar("Shape")

WRITER = f"kubeflow-bert {VERSION}"
NUMBER_KEY, WRITER_KEY = "format_version", "written_by"
STAMP_KEYS = frozenset({NUMBER_KEY, WRITER_KEY})

FORMATS = {
    "bert-clean.json": 1,
    "checkpoint.json": 1,
    "current.json": 1,
    "dataset.json": 1,
    "decision": 1,
    "dump.json": 1,
    "history.jsonl": 1,
    "lineage.json": 2,
    "model.json": 1,  # and the other files of a model store's version
    "record": 1,
    "record.running": 1,
    "run.json": 1,  # and the other files of a training state
    "schedules.yaml": 2,
    "sentences.json": 1,
    "text.json": 1,
    "training.lock": 1,
}
"""The newest number of each file, which is the one that this release writes."""

# The first builds of 0.1.0 called the number `format` in these.
_EARLIER_KEY = "format"
_WITH_EARLIER_KEY = ("current.json", "lineage.json", "model.json")
_MAX_WRITER_CHARACTERS = 60
_WRITER_LINE = re.compile(rf'^ *"{WRITER_KEY}": "[^"\n]*",\n', re.MULTILINE)


def stamp(kind: str) -> dict[str, Any]:
    """Return the first fields of a file that this release writes."""
    return {NUMBER_KEY: FORMATS[kind], WRITER_KEY: WRITER}


def expect_format(document: Mapping[str, Any], kind: str, *, source: str, remedy: str = "") -> int:
    """Return a document's format number; 1 where it has none, as files had before numbers.

    Args:
        document: the file's content.
        kind: a name of FORMATS.
        source: what messages call the file.
        remedy: what to do about a file that can't be read.

    Raises:
        NewerFormatError: if the number is unknown, naming both releases.
        InputError: if the number or the writer is no such thing.
    """
    is_earlier = kind in _WITH_EARLIER_KEY and NUMBER_KEY not in document
    key = _EARLIER_KEY if is_earlier else NUMBER_KEY
    number, writer = document.get(key, 1), document.get(WRITER_KEY, "an unnamed release")
    problem = ""
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        problem = f"{key}: expected a whole number from 1, got {describe(number)}"
    elif not isinstance(writer, str):
        problem = f"{WRITER_KEY}: expected a string, got {describe(writer)}"
    if problem:
        raise InputError("; ".join(filter(None, (f"{source}: {problem}", remedy))))
    if number > FORMATS[kind]:
        choices = ("use that release or a newer one", remedy)
        raise NewerFormatError(
            f"{source}: {key} {describe(number)}, written by {_shorten(writer)}; this release, "
            f"{WRITER}, reads {FORMATS[kind]}; {', or '.join(filter(None, choices))}"
        )
    return int(number)


def _shorten(text: str) -> str:
    """Return a text of others as a part of a line."""
    return " ".join(text.split())[:_MAX_WRITER_CHARACTERS]


def decode_stamped(
    content: str | bytes, shape: type[Shape], *, kind: str, source: str, remedy: str = ""
) -> Shape:
    """Parse a JSON document whose format is checked before its shape; see `decode_json`."""
    document = decode_json(content, dict[str, Any], source=source, remedy=remedy)
    expect_format(document, kind, source=source, remedy=remedy)
    return expect_shape(document, shape, source=source, remedy=remedy)


def load_stamped(path: Path, shape: type[Shape], *, kind: str, remedy: str = "") -> Shape:
    """Read a JSON file whose format is checked before its shape; see `load_json`."""
    document = load_json(path, dict[str, Any], remedy=remedy)
    expect_format(document, kind, source=str(path), remedy=remedy)
    return expect_shape(document, shape, source=str(path), remedy=remedy)


def without_writer(text: str) -> str:
    """Return the text of an indented file without its writer, as any release would write it."""
    return _WRITER_LINE.sub("", text, count=1)
