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
        parser.add_argument(
            f"--{name.replace('_', '-')}",
            type=parse_bool if parameter.annotation is bool else parameter.annotation,
            required=required,
            default=None if required else parameter.default,
            help=(descriptions[name] or "").replace("%", "%%"),
        )


def parse_bool(text: str) -> bool:
    """Read true or false."""
    if text.lower() not in ("true", "false"):
        raise argparse.ArgumentTypeError(f"expected true or false, got {text!r}")
    return text.lower() == "true"
