"""A flag for each of a pipeline's parameters, described as in the Kubeflow UI."""

import argparse
import functools
import inspect
import typing
from collections.abc import Callable
from typing import Any

from docstring_parser import parse


def add_parameters(parser: argparse.ArgumentParser, function: Callable[..., Any]) -> None:
    """Take the flags from the signature and the docstring of a pipeline's function."""
    descriptions = {
        item.arg_name: item.description for item in parse(inspect.getdoc(function) or "").params
    }
    for name, parameter in inspect.signature(function).parameters.items():
        required = parameter.default is parameter.empty
        default = None if required else parameter.default
        parser.add_argument(
            f"--{name.replace('_', '-')}",
            type=_parser_of(parameter.annotation, may_be_empty=default == []),
            required=required,
            # As it is typed, for the help.
            default=",".join(map(str, default)) if isinstance(default, list) else default,
            help=(descriptions[name] or "").replace("%", "%%"),
        )


def parse_bool(text: str) -> bool:
    """Read true or false."""
    if text.lower() not in ("true", "false"):
        raise argparse.ArgumentTypeError(f"expected true or false, got {text!r}")
    return text.lower() == "true"


def _parser_of(annotation: Any, *, may_be_empty: bool) -> Callable[[str], Any]:
    if annotation is bool:
        return parse_bool
    if typing.get_origin(annotation) is list:
        (kind,) = typing.get_args(annotation)
        return functools.partial(_parse_list, kind=kind, may_be_empty=may_be_empty)
    parser: Callable[[str], Any] = annotation
    return parser


def _parse_list(text: str, *, kind: type, may_be_empty: bool) -> list[Any]:
    if may_be_empty and not text:
        return []
    try:
        values = [kind(item.strip()) for item in text.split(",")]
    except ValueError:
        values = []
    if not values or len(set(values)) < len(values):
        raise argparse.ArgumentTypeError(
            f"expected distinct {_KIND_TO_NAME[kind]} separated by commas, got {text!r}"
        )
    return values


_KIND_TO_NAME: dict[type, str] = {float: "numbers", int: "whole numbers", str: "words"}
