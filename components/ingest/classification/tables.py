"""Reads labeled sentences from TSV, CSV and JSON lines, and says where one can't be read."""

import csv
import io
import json
import math
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from components.ingest.classification.encodings import read_text
from components.ingest.classification.glue import Columns
from components.shared.classification.sentences import Row
from components.shared.errors import InputError
from components.shared.files.text import parse_json

Format = Literal["tsv", "csv", "jsonl"]
_SUFFIX_TO_FORMAT: Mapping[str, Format] = {
    ".tsv": "tsv",
    ".txt": "tsv",
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".json": "jsonl",
}
_MOST_SHOWN = 60
_WHOLE_WITH_DECIMALS = re.compile(r"-?[0-9]{1,100}\.0*")


class Line(NamedTuple):
    """A row of a table and where it begins."""

    number: int
    """Counted from 1."""
    row: Row


class Table(NamedTuple):
    """The rows of a file, and what of it was left out."""

    lines: list[Line]
    skipped: list[int]
    """The numbers of the lines that are cut short, or have no known label."""


def find_format(name: str) -> Format:
    """How a file's name says it is written.

    Raises:
        InputError: if it says nothing.
    """
    suffix = Path(name).suffix.lower()
    if suffix not in _SUFFIX_TO_FORMAT:
        raise InputError(
            f"{name}: unknown kind of file; a table's name ends in {', '.join(_SUFFIX_TO_FORMAT)}"
        )
    return _SUFFIX_TO_FORMAT[suffix]


def name_label(label: str | float) -> str:
    """Return the one name of a class, however a file writes it.

    Whole numbers lose their decimals (1.0 is 1), since tools write a column of whole numbers
    as floats when a cell of it is empty; true and false are written small.
    """
    text = str(label).strip()
    if text.lower() in ("true", "false"):
        return text.lower()
    if _WHOLE_WITH_DECIMALS.fullmatch(text):
        return str(int(text.partition(".")[0]))
    return text


def read_table(
    path: Path, label: str, columns: Columns, *, separator: str = "", encoding: str = ""
) -> Table:
    """Read a file of labeled sentences.

    TSV is what GLUE's files are: a quotation mark is a mark like any other, no field holds a
    tab or a line's end. In CSV a quoted field may hold commas, line ends and doubled quotes.

    Args:
        path: the file.
        label: how messages call it; its suffix says how it is written.
        columns: where sentences and label stand.
        separator: character between two fields; "" is a tab in TSV, a comma in CSV.
        encoding: of the text; "" is that of its byte order mark, or else UTF-8.

    Raises:
        InputError: naming the line and what is wrong there.
    """
    format_ = find_format(label)
    text = read_text(path, label, encoding)
    if format_ == "jsonl":
        cells = _read_objects(text, label, columns)
    else:
        if format_ == "tsv":
            rows = _split_tsv(text, separator or "\t")
        else:
            rows = _split_csv(text, label, separator or ",")
        cells = _pick(rows, label, columns)
    lines, skipped = [], []
    for number, values in cells:
        if _is_broken(values, columns):
            skipped.append(number)
        else:
            lines.append(Line(number, _make_row(values, columns, f"{label}, line {number}")))
    lines = [line for line in lines if line.row.label != columns.no_label]
    if not lines:
        raise InputError(f"{label}: no row of sentences in it; give a file with some")
    return Table(lines, skipped)


def _is_broken(values: Sequence[str], columns: Columns) -> bool:
    """Whether a row is one of those that a published file is known to have."""
    known = columns.known_labels
    return bool(known) and (not values or name_label(values[-1]) not in known)


def _split_tsv(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    # Not splitlines(): sentences hold U+2028 and U+0085, which do not end lines here.
    for number, line in enumerate(text.split("\n"), start=1):
        stripped = line.removesuffix("\r")
        if stripped.strip():
            yield number, stripped.split(separator)


def _split_csv(text: str, label: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    csv.field_size_limit(sys.maxsize)  # 131,072 characters otherwise
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    number = 1
    try:
        for fields in reader:
            if fields:
                yield number, fields
            number = reader.line_num + 1
    except csv.Error as error:
        raise InputError(
            f"{label}, line {number}: {error}; in CSV a field with a comma, a quotation mark or a "
            'line end stands in quotes, and a quotation mark in it is doubled ("")'
        ) from None


def _pick(
    rows: Iterator[tuple[int, list[str]]], label: str, columns: Columns
) -> Iterator[tuple[int, Sequence[str]]]:
    """The cells of the wanted columns, row by row; none of a row that lacks some of them."""
    first = next(rows, None)
    if first is None:
        raise InputError(f"{label}: the file is empty; give one with rows of sentences and labels")
    number, fields = first
    header = fields if columns.has_header else None
    places = [_find_place(name, header, len(fields), label) for name in columns.names]
    if header is None:
        yield number, [fields[place] for place in places]
    expected = len(fields)
    for number, fields in rows:
        if columns.known_labels:
            # By their places, as GLUE's own reader does, whatever comes after them.
            yield number, [fields[place] for place in places] if max(places) < len(fields) else []
            continue
        if len(fields) != expected:
            few = len(fields) < expected
            raise InputError(
                f"{label}, line {number}: {len(fields)} fields, {'fewer' if few else 'more'} than "
                f"the {expected} of the first line; "
                + ("is the line cut?" if few else "is there a separator within a sentence?")
            )
        yield number, [fields[place] for place in places]


def _find_place(name: str, header: Sequence[str] | None, num_fields: int, label: str) -> int:
    if header is not None and name in header:
        return header.index(name)
    if name.isdecimal() and 1 <= int(name) <= num_fields:
        return int(name) - 1
    if name.isdecimal() or header is None:
        found = f"the first line has {num_fields} fields"
    else:
        found = f"the header has {', '.join(map(repr, header))}"
    raise InputError(
        f"{label}: no column {name!r}: {found}; name the columns by sentence_column, "
        "second_sentence_column, group_column and label_column, or by their numbers from 1 up; if "
        "fields are separated by another character, name it by separator"
    )


def _read_objects(text: str, label: str, columns: Columns) -> Iterator[tuple[int, Sequence[str]]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        place = f"{label}, line {number}"
        try:
            fields = parse_json(line)
        except (ValueError, RecursionError) as error:  # thousands of digits, or of brackets
            problem = getattr(error, "msg", str(error))
            raise InputError(
                f"{place}: not JSON ({problem}); each line holds one object with the sentences "
                "and the label"
            ) from None
        if not isinstance(fields, dict):
            raise InputError(f"{place}: expected an object, found {_show(fields)}")
        yield number, [_get_text(fields, name, place, columns) for name in columns.names]


def _get_text(fields: Mapping[str, Any], name: str, place: str, columns: Columns) -> str:
    if name not in fields:
        known = ", ".join(map(repr, fields)) or "nothing"
        raise InputError(
            f"{place}: no field {name!r} (found {known}); name the fields by sentence_column, "
            "second_sentence_column, group_column and label_column"
        )
    value = fields[name]
    # NaN is what tools write for a label that is missing.
    if name in (columns.group, columns.label) and isinstance(value, int | float):
        if math.isfinite(value):
            return name_label(value)
        raise InputError(f"{place}: {name}: {_show(value)} is not a finite number; remove the row")
    if not isinstance(value, str):
        raise InputError(f"{place}: {name}: expected text, found {_show(value)}")
    return value


def _make_row(values: Sequence[str], columns: Columns, place: str) -> Row:
    *sentences, label = values
    group = sentences.pop().strip() if columns.group else None
    if group == "":
        raise InputError(f"{place}: the group is empty; remove the row, or fill it in")
    if not any(sentence.strip() for sentence in sentences):
        raise InputError(f"{place}: the sentence is empty; remove the row, or fill it in")
    if not label.strip():
        raise InputError(f"{place}: the label is empty; remove the row, or fill it in")
    if {"\t", "\n", "\r"} & set(label.strip()):
        raise InputError(
            f"{place}: the label {label!r} contains a tab or a line break, which a table of "
            "predictions can't hold; is label_column the right one?"
        )
    second = sentences[1] if columns.second_sentence else None
    return Row(sentences[0], second, name_label(label), group and name_label(group))


def _show(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MOST_SHOWN else text[:_MOST_SHOWN] + "…"
