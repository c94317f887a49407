"""How a stage is started: by a person's flags or by Kubeflow's executor input."""

import inspect
import json
import signal
import sys
import traceback
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from components.shared.errors import (
    DivergedError,
    InputError,
    JobError,
    PeerLostError,
    Preempted,
    TrainingLostError,
    WorkerLostError,
)
from components.shared.files.atomic import os_errors_explained, write_text
from components.shared.files.documents import decode_json, describe, expect_shape
from components.shared.files.text import expect_utf8, mask_addresses
from components.shared.stage.command_line import parse_config
from components.shared.stage.settings import list_settings
from components.shared.storage.artifact_paths import local_path

Config = TypeVar("Config")
# What a stage tells Kubeflow of its outputs: output name -> metadata shown in the UI.
Metadata = Mapping[str, Mapping[str, Any]]
# From a config to that, or nothing to tell.
Work = Callable[[Any], Metadata | None]

# Beside the executor output: why a step failed, for who runs it and sees no log.
ERROR_FILE = "error.txt"
_EXIT_INPUT_ERROR = 2
_EXIT_SIGINT = 128 + signal.SIGINT
_EXIT_SIGTERM = 128 + signal.SIGTERM
_FAILURES = (DivergedError, JobError, PeerLostError, TrainingLostError, WorkerLostError)
_IN_THEIR_OWN_WORDS = (*_FAILURES, InputError, Preempted)


def main(
    config_class: type,
    run: Work,
    *,
    commands: Mapping[str, tuple[type, Work]] | None = None,
) -> None:
    """Run one stage from the command line and end the process with its status.

    Args:
        config_class: dataclass with a field for each input, output and setting.
        run: does the work; returns metadata for the output artifacts.
        commands: what else the stage's image does, by the first word of the command line:
            the dataclass of its flags, and what does it.
    """
    sys.excepthook = _show_masked
    name = run.__module__.split(".")[1]
    arguments = sys.argv[1:]
    if commands and arguments and arguments[0] in commands:
        config_class, run = commands[arguments[0]]
        name, arguments = f"{name} {arguments[0]}", arguments[1:]
        commands = None
    try:
        expect_utf8(arguments)
        if commands and arguments and not arguments[0].startswith("-"):
            raise InputError(f"no command {arguments[0]!r}; there are {', '.join(commands)}")
        if arguments[:1] == ["--executor-input"]:
            _run_for_kubeflow(name, config_class, run, parse_executor_input(arguments[1:]))
        else:
            config: Any = _parse_flags(config_class, arguments, name, commands or ())
            with os_errors_explained():
                run(config)
    except InputError as error:
        print(_describe(name, error), file=sys.stderr, flush=True)
        sys.exit(_EXIT_INPUT_ERROR)
    except _FAILURES as error:
        print(_describe(name, error), file=sys.stderr, flush=True)
        sys.exit(1)
    except Preempted as error:
        print(mask_addresses(f"{name}: {error}"), file=sys.stderr, flush=True)
        sys.exit(_EXIT_SIGTERM)
    except KeyboardInterrupt:
        print(f"{name}: interrupted", file=sys.stderr, flush=True)
        sys.exit(_EXIT_SIGINT)


def _run_for_kubeflow(
    name: str,
    config_class: type,
    run: Work,
    executor_input: Mapping[str, Any],
) -> None:
    try:
        config: Any = read_executor_input(config_class, executor_input)
        with os_errors_explained():
            metadata = run(config)
            _write_executor_output(executor_input, metadata or {})
    except Exception as error:
        output_file = Path(executor_input["outputs"]["outputFile"])
        with suppress(OSError, InputError):  # of a full disk, say, which must not hide the error
            write_text(output_file.with_name(ERROR_FILE), _describe(name, error) + "\n")
        raise


def _describe(name: str, error: Exception) -> str:
    """A user's error or a peer's end in its own words, any other with the way that led to it."""
    own_words = isinstance(error, _IN_THEIR_OWN_WORDS)
    text = str(error) if own_words else traceback.format_exc().rstrip()
    return mask_addresses(f"{name}: error: {text}")


def _show_masked(kind: type[BaseException], error: BaseException, trace: Any) -> None:
    """Show an error that nobody caught as Python does, without secrets."""
    text = "".join(traceback.format_exception(kind, error, trace))
    print(mask_addresses(text), end="", file=sys.stderr, flush=True)


@dataclass(frozen=True)
class _Artifact:
    uri: str
    customPath: str | None = None
    metadata: dict[str, Any] | None = None


@dataclass(frozen=True)
class _Artifacts:
    artifacts: tuple[_Artifact, ...]

    def __post_init__(self) -> None:
        if not self.artifacts:
            raise InputError("artifacts: expected one or more, got none")


@dataclass(frozen=True)
class _OutputParameter:
    outputFile: str


@dataclass(frozen=True)
class _Inputs:
    parameterValues: dict[str, Any] = field(default_factory=dict)
    artifacts: dict[str, _Artifacts] = field(default_factory=dict)


@dataclass(frozen=True)
class _Outputs:
    outputFile: str
    artifacts: dict[str, _Artifacts] = field(default_factory=dict)
    parameters: dict[str, _OutputParameter] = field(default_factory=dict)


@dataclass(frozen=True)
class _ExecutorInput:
    """What a stage reads of Kubeflow's ExecutorInput."""

    outputs: _Outputs
    inputs: _Inputs = field(default_factory=_Inputs)


def parse_executor_input(arguments: Sequence[str]) -> dict[str, Any]:
    """Parse the JSON that Kubeflow puts in place of `{{$}}`.

    Raises:
        InputError: if it is not JSON, or not an ExecutorInput.
    """
    source = "--executor-input"
    if len(arguments) != 1:
        raise InputError(f"{source}: expected one argument after it, got {len(arguments)}")
    document = decode_json(arguments[0], dict[str, Any], source=source)
    expect_shape(document, _ExecutorInput, source=source)
    return document


def read_executor_input(config_class: type[Config], executor_input: Mapping[str, Any]) -> Config:
    """Make a stage's config from the JSON that Kubeflow puts in place of `{{$}}`.

    Names that the config doesn't have are ignored: Kubeflow adds outputs of its own, such as
    `executor-logs` where the API server publishes logs.

    Raises:
        InputError: if a value does not fit its field.
    """
    hints = typing.get_type_hints(config_class)
    inputs, outputs = executor_input.get("inputs", {}), executor_input["outputs"]
    values = dict(inputs.get("parameterValues", {}))
    for name, entry in {**inputs.get("artifacts", {}), **outputs.get("artifacts", {})}.items():
        paths = [local_path(item.get("customPath") or item["uri"]) for item in entry["artifacts"]]
        values[name] = paths if _is_tuple(hints.get(name)) else paths[0]
    for name, entry in outputs.get("parameters", {}).items():
        values[name] = Path(entry["outputFile"])
    known = {name: value for name, value in values.items() if name in hints}
    return config_class(**{name: _fit(name, hints[name], value) for name, value in known.items()})


def _fit(name: str, hint: Any, value: Any) -> Any:
    """Kubeflow's numbers are all doubles: give whole ones back to fields that are int."""
    if hint in (int, float) and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise InputError(f"{name} must be a number, got {value!r}")
    if hint in (bool, str) or typing.get_origin(hint) is typing.Literal:
        return expect_shape(value, hint, source=name)
    if hint is int and isinstance(value, float):
        if not value.is_integer():
            raise InputError(f"{name} must be a whole number, got {value}")
        return int(value)
    if hint is float and isinstance(value, int):
        return float(value)
    if _is_tuple(hint):
        if not isinstance(value, list | tuple):
            raise InputError(f"{name} must be a list, got {describe(value)}")
        return tuple(_fit(name, typing.get_args(hint)[0], item) for item in value)
    return value


def _is_tuple(hint: Any) -> bool:
    return typing.get_origin(hint) is tuple


def _write_executor_output(executor_input: Mapping[str, Any], metadata: Metadata) -> None:
    """Repeat the output artifacts with their metadata, as the backend and kfp.local expect."""
    outputs = executor_input["outputs"]
    artifacts = {}
    for name, entry in outputs.get("artifacts", {}).items():
        artifact = entry["artifacts"][0]
        own = {**(artifact.get("metadata") or {}), **metadata.get(name, {})}
        artifacts[name] = {"artifacts": [{**artifact, "metadata": own}]}
    unknown = sorted(metadata.keys() - artifacts.keys())
    assert not unknown, f"metadata for outputs that the component does not declare: {unknown}"
    text = json.dumps({"artifacts": artifacts, "parameterValues": {}})
    write_text(Path(outputs["outputFile"]), text)


def _parse_flags(
    config_class: type[Config], arguments: list[str], name: str, commands: Iterable[str]
) -> Config:
    description = inspect.getdoc(config_class) or ""
    if commands:
        description += f"\n\nOther commands, each with its --help: {', '.join(commands)}."
    return parse_config(
        config_class, arguments, prog=f"python -m components.{name}", description=description
    )


def settings(config: Any) -> dict[str, Any]:
    """The settings of a config, without its paths, as JSON can hold them."""
    return {
        name: getattr(config, name)
        for name, setting in list_settings(type(config)).items()
        if not setting.is_path
    }
