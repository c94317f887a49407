"""Reads the instances and parameters of a request, naming what is wrong with them."""

from collections.abc import Mapping
from typing import Any

from components.serve.request_errors import RequestError
from components.shared.files.documents import describe


def expect_object(value: Any, place: str) -> Mapping[str, Any]:
    """Return a JSON object.

    Raises:
        RequestError: if it is something else.
    """
    if not isinstance(value, Mapping):
        raise RequestError(f"{place}: expected an object, got {describe(value)}")
    return value


def expect_known(fields: Mapping[str, Any], names: tuple[str, ...], place: str) -> None:
    """Reject fields with other names: a misspelled one would do nothing.

    Raises:
        RequestError: naming the first.
    """
    for name in fields:
        if name not in names:
            raise RequestError(
                f"{place}: no field {name!r}; there are {', '.join(names) or 'none'}"
            )


def expect_count(value: Any, place: str, *, most: int | None = None) -> None:
    """Reject what is not a whole number from 1 to a most.

    Raises:
        RequestError: naming the numbers that are allowed.
    """
    if type(value) is not int or value < 1 or (most is not None and value > most):
        allowed = "of 1 or more" if most is None else f"from 1 to {most}"
        raise RequestError(f"{place}: expected a number {allowed}, got {describe(value)}")


def expect_text(fields: Mapping[str, Any], name: str, place: str) -> str:
    """Return a text that has more than white space.

    Raises:
        RequestError: if it is missing, empty or no text.
    """
    if name not in fields:
        raise RequestError(f"{place}: the field {name!r} is missing")
    value = fields[name]
    if not isinstance(value, str):
        raise RequestError(f"{place}.{name}: expected text, got {describe(value)}")
    if not value.strip():
        raise RequestError(f"{place}.{name}: no text in it")
    return value
