"""JSON and YAML documents, checked against the type that their reader expects.

A shape is a type hint: `str`, `int`, `float`, `bool`, `None`, `Any`, unions of them, `list[...]`,
`tuple[..., ...]`, `dict[str, ...]` and dataclasses, whose fields are the keys of a JSON object.
Keys that a dataclass lacks are ignored; fields with a default may be missing.

Every error names the source, the place in the document, and what was expected and found there.
"""

import dataclasses
import json
import math
import types
import typing
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from components.shared.errors import InputError
from components.shared.files.text import parse_json, replace_surrogates

Shape = TypeVar("Shape")

_INT64 = range(-(2**63), 2**63)
_MAX_SHOWN_CHARACTERS = 60
_MAX_YAML_VALUES = 100_000
_NAMES = {
    str: "a string",
    int: "a whole number",
    float: "a finite number",
    bool: "true or false",
    list: "a list",
    tuple: "a list",
    dict: "an object",
    type(None): "null",
}


def load_json(path: Path, shape: type[Shape], *, remedy: str = "") -> Shape:
    """Read a JSON file.

    Args:
        path: the file.
        shape: what it must hold.
        remedy: what to do about a broken or missing file.

    Raises:
        InputError: if it is missing, not JSON, or of another shape.
    """
    return decode_json(_read(path, remedy), shape, source=str(path), remedy=remedy)


def decode_json(
    content: str | bytes, shape: type[Shape], *, source: str, remedy: str = ""
) -> Shape:
    """Parse a JSON document.

    Args:
        content: the document.
        shape: what it must hold.
        source: what messages call it.
        remedy: what to do about a broken one.

    Raises:
        InputError: if it is not JSON, or of another shape.
    """
    document = parse_document(content, source=source, remedy=remedy)
    return expect_shape(document, shape, source=source, remedy=remedy)


def parse_document(
    content: str | bytes, *, source: str, remedy: str = "", first_line: int = 1
) -> Any:
    """Parse a JSON document of any shape, which its reader checks itself; see `decode_json`.

    Numbers may be of any size, NaN or infinity.

    Args:
        content: the document.
        source: what messages call it.
        remedy: what to do about a broken one.
        first_line: the number that the document's first line has in its source.
    """
    place = f"line {first_line}: " if first_line > 1 else ""
    try:
        return parse_json(content)
    except json.JSONDecodeError as error:
        line = first_line + error.lineno - 1
        problem = f"line {line}, column {error.colno}: not JSON: {error.msg}"
    except UnicodeDecodeError as error:
        problem = f"{place}byte {error.start} is not {error.encoding}; JSON is UTF-8"
    except RecursionError:
        problem = f"{place}nested too deeply"
    except ValueError as error:  # Python's limit for digits
        problem = f"{place}not JSON: {error}"
    raise InputError(_compose(source, problem, remedy)) from None


def load_yaml(path: Path, shape: type[Shape], *, remedy: str = "") -> Shape:
    """Read a YAML file; see `load_json`."""
    return decode_yaml(_read(path, remedy), shape, source=str(path), remedy=remedy)


def decode_yaml(
    content: str | bytes, shape: type[Shape], *, source: str, remedy: str = ""
) -> Shape:
    """Parse a YAML document; see `decode_json`."""
    import yaml  # here: no stage reads YAML

    try:
        text = content.decode("utf-8") if isinstance(content, bytes) else content
        document = yaml.safe_load(text)
        _expect_bounded(document, {})
        document = replace_surrogates(document)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        problem = f"{place}not YAML: {error.problem or error.context}"
    except yaml.YAMLError as error:
        problem = f"not YAML: {' '.join(str(error).split())}"
    except UnicodeDecodeError as error:
        problem = f"byte {error.start} is not UTF-8"
    except RecursionError:
        problem = "nested too deeply"
    except _MismatchError as error:
        problem = str(error)
    except (ValueError, TypeError) as error:  # a 13th month, thousands of digits
        problem = f"not YAML: {error}"
    else:
        return expect_shape(document, shape, source=source, remedy=remedy)
    raise InputError(_compose(source, problem, remedy)) from None


def expect_shape(value: Any, shape: type[Shape], *, source: str, remedy: str = "") -> Shape:
    """Compare a parsed document with a shape and return it, lists as tuples where asked for.

    Raises:
        InputError: naming the first value that differs.
    """
    try:
        checked: Shape = _check(value, shape, "")
    except _MismatchError as error:
        raise InputError(_compose(source, str(error), remedy)) from None
    except RecursionError:
        raise InputError(_compose(source, "nested too deeply", remedy)) from None
    return checked


class _MismatchError(Exception):
    def __init__(self, place: str, problem: str) -> None:
        super().__init__(f"{place}: {problem}" if place else problem)


def parse_time(text: str, name: str) -> datetime:
    """Return the time that a field holds in ISO 8601.

    Args:
        text: the field's value.
        name: the field's, for messages.

    Raises:
        InputError: if it is no time, or has no offset from UTC.
    """
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise InputError(f"{name} must be a date with its offset, got {text!r}")
    return time


def _expect_bounded(value: Any, id_to_size: dict[int, int]) -> int:
    """Count a YAML document's values, those behind aliases each time: few bytes make billions."""
    if not isinstance(value, list | dict):
        return 1
    if id(value) not in id_to_size:
        id_to_size[id(value)] = _MAX_YAML_VALUES  # found again while it is counted: a loop
        items = value if isinstance(value, list) else [*value.values()]
        id_to_size[id(value)] = 1 + sum(_expect_bounded(item, id_to_size) for item in items)
    if id_to_size[id(value)] >= _MAX_YAML_VALUES:
        raise _MismatchError("", "aliases (*name) repeat too many values")
    return id_to_size[id(value)]


def _read(path: Path, remedy: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        problem = (error.strerror or str(error)).lower()
        raise InputError(_compose(str(path), problem, remedy)) from None


def _compose(source: str, problem: str, remedy: str) -> str:
    return f"{source}: {problem}; {remedy}" if remedy else f"{source}: {problem}"


def _check(value: Any, shape: Any, place: str) -> Any:
    if shape is Any:
        _check_numbers(value, place)
        return value
    origin, arguments = typing.get_origin(shape), typing.get_args(shape)
    if origin is typing.Literal:
        if value not in arguments:
            expected = ", ".join(map(describe, arguments))
            raise _MismatchError(place, f"expected one of {expected}, got {describe(value)}")
        return value
    if origin in (typing.Union, types.UnionType):
        return _check_union(value, arguments, place)
    if dataclasses.is_dataclass(shape):
        return _check_fields(value, shape, place)
    kind = {Mapping: dict, Sequence: list}.get(origin) or origin or shape
    if kind in (list, tuple):
        item_shape = arguments[0] if arguments else Any
        items = [
            _check(item, item_shape, f"{place}[{index}]")
            for index, item in enumerate(_expect(value, list, place))
        ]
        return tuple(items) if kind is tuple else items
    if kind is dict:
        value_shape = arguments[1] if arguments else Any
        return {
            _expect_key(key, place): _check(item, value_shape, _join(place, key))
            for key, item in _expect(value, dict, place).items()
        }
    return _expect(value, kind, place)


def _check_union(value: Any, shapes: Sequence[Any], place: str) -> Any:
    problems = []
    for shape in shapes:
        try:
            return _check(value, shape, place)
        except _MismatchError as error:
            problems.append(error)
    deepest = max(problems, key=lambda error: len(str(error).partition(": ")[0]))
    if str(deepest).startswith(f"{place}: expected") or not place:
        expected = " or ".join(_name(shape) for shape in shapes)
        raise _MismatchError(place, f"expected {expected}, got {describe(value)}")
    raise deepest


def _check_fields(value: Any, shape: Any, place: str) -> Any:
    given, hints = _expect(value, dict, place), typing.get_type_hints(shape)
    arguments = {}
    for field in dataclasses.fields(shape):
        if field.name in given:
            where = _join(place, field.name)
            arguments[field.name] = _check(given[field.name], hints[field.name], where)
        elif field.default is field.default_factory is dataclasses.MISSING:
            raise _MismatchError(_join(place, field.name), "missing")
    try:
        return shape(**arguments)
    except InputError as error:
        raise _MismatchError(place, str(error)) from None


def _expect(value: Any, kind: type, place: str) -> Any:
    """Return a value of a kind; a float may be written as a whole number."""
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if kind is float and (is_whole or isinstance(value, float)):
        if not is_whole and not math.isfinite(value):
            raise _MismatchError(place, f"expected a finite number, got {value}")
        if is_whole and value not in _INT64:
            raise _MismatchError(place, f"expected at most 64 bits, got {describe(value)}")
        return float(value)
    if kind is int and is_whole and value not in _INT64:
        raise _MismatchError(place, f"expected at most 64 bits, got {describe(value)}")
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise _MismatchError(place, f"expected {_name(kind)}, got {describe(value)}")
    return value


def _expect_key(key: Any, place: str) -> str:
    if not isinstance(key, str):  # YAML's may be anything
        raise _MismatchError(place, f"expected names as keys, got {describe(key)}")
    return key


def _check_numbers(value: Any, place: str) -> None:
    """Find NaN, infinity and numbers beyond 64 bits in a value of any shape."""
    if isinstance(value, dict):
        for key, item in value.items():
            _check_numbers(item, _join(place, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _check_numbers(item, f"{place}[{index}]")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        _expect(value, float, place)


def _join(place: str, key: Any) -> str:
    return f"{place}.{key}" if place else str(key)


def _name(shape: Any) -> str:
    kind = typing.get_origin(shape) or shape
    return _NAMES.get(kind, "an object")


def describe(value: Any) -> str:
    """A value as messages show it: JSON, cut to a few dozen characters."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        text = f"a {type(value).__name__}"
    if len(text) > _MAX_SHOWN_CHARACTERS:
        return f"{text[: _MAX_SHOWN_CHARACTERS - 1]}…"
    return text
