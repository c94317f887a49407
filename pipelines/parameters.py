"""The parameters of a run: flags and a YAML file, checked by the package before anything runs."""

import argparse
import difflib
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from components.shared.errors import InputError
from components.shared.files.documents import decode_yaml
from components.shared.files.text import parse_json
from pipelines.compiled_package import Package
from pipelines.parameter_checks import check_settings
from pipelines.retraining import NO_SETTINGS

# YAML 1.1 wants a point and a sign.
_NOT_YAMLS = re.compile(r"[+-]?\d+(\.\d*)?[eE]\d+|[+-]?\d+[eE][+-]\d+")
_SAID = {
    "STRING": "text",
    "NUMBER_INTEGER": "a whole number",
    "NUMBER_DOUBLE": "a number",
    "BOOLEAN": "true or false",
    "LIST": "a list",
    "STRUCT": "a table",
}
_KINDS: dict[str, type | tuple[type, ...]] = {
    "STRING": str,
    "NUMBER_INTEGER": int,
    "NUMBER_DOUBLE": (int, float),
    "BOOLEAN": bool,
    "LIST": list,
    "STRUCT": dict,
}


def make_parser(package: Package) -> argparse.ArgumentParser:
    """A flag for each parameter of the package, described as in the UI.

    Settings have one type each and always a value. A parameter is only sent if it was given, and
    its list or table may be JSON, whose types the package does not say.
    """
    parser = argparse.ArgumentParser(
        prog="python -m pipelines submit",
        usage="python -m pipelines submit … [--PARAMETER VALUE …]; --list-parameters prints them",
        description=f"The parameters of {package.name}.",
        allow_abbrev=False,
        add_help=False,
    )
    for name, parameter in package.parameters.items():
        default = _show_default(parameter)
        text = " ".join(parameter.get("description", "").split())
        note = "required" if _is_required(parameter) else f"default: {default}"
        parser.add_argument(
            f"--{name.replace('_', '-')}",
            metavar=_SAID[parameter["parameterType"]].rpartition(" ")[2].upper(),
            help=f"{text} ({note})".replace("%", "%%"),
        )
    return parser


def read_arguments(
    package: Package, flags: Sequence[str], file: Path | None = None
) -> dict[str, Any]:
    """The parameters that were given; a flag overrides the file.

    Raises:
        InputError: naming the parameter that is unknown, missing or of another type.
    """
    values = _read_file(file) if file else {}
    check_values(package, values, f"{file}: " if file else "")
    given = vars(make_parser(package).parse_args(list(flags)))
    for name, text in given.items():
        if text is not None:
            values[name] = _parse(text, package.parameters[name], f"--{name.replace('_', '-')}")
    if missing := find_missing(package, values):
        raise InputError(
            f"{package.name} needs {', '.join(missing)}; give --{missing[0].replace('_', '-')}, "
            "or a file with --parameters"
        )
    values = add_settings_digest(package, values)
    check_settings(package.name, fill_in(package, values))
    return values


def add_settings_digest(package: Package, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a retraining's parameters with the digest of its settings, if it compares them."""
    whole = fill_in(package, values)
    if "settings" not in (whole.get("retrain_on") or ()):
        return dict(values)
    settings = {name: whole[name] for name in sorted(whole) if name not in NO_SETTINGS}
    # A package has its defaults' whole numbers as 200.0, a person gives 200.
    same = json.loads(json.dumps(settings), parse_int=float)
    digest = hashlib.sha256(json.dumps(same).encode()).hexdigest()
    return {**values, "settings_digest": digest}


def check_values(package: Package, values: Mapping[str, Any], label: str) -> None:
    """Compare parameters that a file holds with the package's.

    Raises:
        InputError: naming the parameter that is unknown or of another type, after the label.
    """
    unknown = [name for name in values if name not in package.parameters]
    if unknown:
        close = difflib.get_close_matches(str(unknown[0]), package.parameters, n=1)
        remedy = f"is it {close[0]}?" if close else f"it has {', '.join(package.parameters)}"
        raise InputError(f"{label}{package.name} has no parameter {unknown[0]!r}; {remedy}")
    for name, value in values.items():
        _check(value, package.parameters[name], f"{label}{name}")


def fill_in(package: Package, values: Mapping[str, Any]) -> dict[str, Any]:
    """With the defaults of the parameters that are not given."""
    defaults = {name: one.get("defaultValue") for name, one in package.parameters.items()}
    return {**defaults, **values}


def find_missing(package: Package, values: Mapping[str, Any]) -> list[str]:
    """The parameters that have no default and no value."""
    return [
        name
        for name, parameter in package.parameters.items()
        if _is_required(parameter) and name not in values
    ]


def _read_file(path: Path) -> dict[str, Any]:
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(f"--parameters {path}: {reason}") from None
    return decode_yaml(
        content,
        dict[str, Any],
        source=f"--parameters {path}",
        remedy="write a line `name: value` for each parameter",
    )


def _show_default(parameter: Mapping[str, Any]) -> str:
    """Return a default as a person gives it; the IR writes whole numbers as 200.0."""
    default = parameter.get("defaultValue")
    if parameter["parameterType"] == "NUMBER_INTEGER" and default is not None:
        default = int(default)
    if isinstance(default, list):
        default = [
            int(one) if isinstance(one, float) and one.is_integer() else one for one in default
        ]
    return json.dumps(default)


def _is_required(parameter: Mapping[str, Any]) -> bool:
    return "defaultValue" not in parameter and not parameter.get("isOptional")


def _parse(text: str, parameter: Mapping[str, Any], label: str) -> Any:
    kind = parameter["parameterType"]
    if kind == "STRING":
        return text
    if kind == "LIST" and not text.startswith("["):
        text = f"[{text}]"  # 3e-5,5e-5, as `run` takes it
    try:
        value = parse_json(text.lower() if kind == "BOOLEAN" else text)
    except ValueError:
        value = text
        if kind == "LIST":
            value = [item.strip() for item in text.strip("[]").split(",")]  # words
    _check(value, parameter, label)
    return value


def _check(value: Any, parameter: Mapping[str, Any], label: str) -> None:
    kind = parameter["parameterType"]
    if not isinstance(value, _KINDS[kind]) or (isinstance(value, bool) and kind != "BOOLEAN"):
        hint = _hint(value) if kind in ("NUMBER_INTEGER", "NUMBER_DOUBLE") else ""
        raise InputError(f"{label} must be {_SAID[kind]}, got {value!r}{hint}")
    for item in value if isinstance(value, list) else ():
        if hint := _hint(item):
            raise InputError(f"{label} holds the text {item!r}{hint}")


def _hint(value: Any) -> str:
    """How a number that YAML took for a text is to be written."""
    if not (isinstance(value, str) and _NOT_YAMLS.fullmatch(value)):
        return ""
    mantissa, _, exponent = value.lower().partition("e")
    fraction = "" if "." in mantissa else ".0"
    signed = exponent if exponent[0] in "+-" else f"+{exponent}"
    return f"; YAML reads a number only in {mantissa}{fraction}e{signed}"
