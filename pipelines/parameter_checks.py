"""Validates a run's parameters with the configs of its steps, before the first step starts.

An indivisible batch or an unsupported precision would otherwise fail days later, in its step.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from components.shared.errors import InputError
from components.shared.stage import read_executor_input
from pipelines.catalog import find_steps
from pipelines.steps import Step, name_parameters


def check_settings(pipeline: str, values: Mapping[str, Any]) -> None:
    """Make each step's config, with invented paths for what other steps write.

    Args:
        pipeline: its name; the parameters of a pipeline of others are not checked.
        values: all its parameters.

    Raises:
        InputError: naming the step, the setting and the remedy.
    """
    for name, step in find_steps(pipeline).items():
        for settings in _list_settings(name, step, values):
            try:
                read_executor_input(step.config, _make_executor_input(step.config, settings))
            except InputError as error:
                raise InputError(f"{name}: {error}") from None


def _list_settings(name: str, step: Step, values: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the step's settings, for each value of the one that the pipeline loops over."""
    parameters = name_parameters(name, step)
    settings = {
        setting: values[parameter]
        for setting, parameter in parameters.items()
        if values.get(parameter) is not None
    }
    if step.looped not in settings:
        yield settings
        return
    given = settings[step.looped]
    if not given or len(set(given)) < len(given):
        # Two trainings with one rate would share a checkpoint folder.
        raise InputError(
            f"{parameters[step.looped]} must be one number or more, each once, got {given}"
        )
    for value in given:
        yield settings | {step.looped: value}


def _make_executor_input(config: type, settings: Mapping[str, Any]) -> dict[str, Any]:
    artifacts = {
        field.name: {"artifacts": [{"uri": f"/{field.name}"}]}
        for field in dataclasses.fields(config)
        if field.name not in settings and field.default is dataclasses.MISSING
    }
    return {
        "inputs": {"parameterValues": dict(settings)},
        "outputs": {"artifacts": artifacts},
    }
