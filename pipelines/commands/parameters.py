"""A flag for each of a pipeline's parameters, described as in the Kubeflow UI."""

import argparse
import inspect
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
            type=_PARSERS.get(parameter.annotation, parameter.annotation),
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


def parse_numbers(text: str) -> list[float]:
    """Read numbers separated by commas."""
    try:
        numbers = [float(item) for item in text.split(",")]
    except ValueError:
        numbers = []
    if not numbers or len(set(numbers)) < len(numbers):
        raise argparse.ArgumentTypeError(
            f"expected distinct numbers separated by commas, got {text!r}"
        )
    return numbers


_PARSERS: dict[Any, Callable[[str], Any]] = {bool: parse_bool, list[float]: parse_numbers}
