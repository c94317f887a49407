"""Validates a run's parameters with the configs of its steps, before the first step starts.

An indivisible batch or an unsupported precision would otherwise fail days later, in its step.
"""

import dataclasses
import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from components.shared.bert.config import BertConfig
from components.shared.errors import InputError
from components.shared.stage.start import read_executor_input
from pipelines.catalog import find_steps
from pipelines.retraining import LOOK, resolve_look
from pipelines.steps import Step, name_parameters


def check_settings(pipeline: str, values: Mapping[str, Any]) -> None:
    """Make each step's config, with invented paths for what other steps write.

    Args:
        pipeline: its name; the parameters of a pipeline of others are not checked.
        values: all its parameters.

    Raises:
        InputError: naming the step, the setting and the remedy.
    """
    for _ in _make_configs(pipeline, values):
        pass
    check_lengths(pipeline, values, _find_model(values))


def check_lengths(pipeline: str, values: Mapping[str, Any], model: BertConfig | None) -> None:
    """Compare the lengths of each step with the positions of a model, if it is known.

    Raises:
        InputError: naming the step and the setting that is too long.
    """
    if model is None:
        return
    for name, config in _make_configs(pipeline, values):
        if hasattr(config, "expect_room"):
            with _named(name):
                config.expect_room(model.max_position_embeddings)


def _make_configs(pipeline: str, values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, step in find_steps(pipeline).items():
        given = values if step is LOOK else resolve_look(pipeline, values)
        for settings in _list_settings(name, step, given):
            executor_input = _make_executor_input(step.config, settings)
            with _named(name):
                config: Any = read_executor_input(step.config, executor_input)
            yield name, config


def _find_model(values: Mapping[str, Any]) -> BertConfig | None:
    """Return the model that the parameters alone describe, without a file."""
    bert_config = values.get("bert_config") or ""
    is_in_file = bool(bert_config) and not bert_config.lstrip().startswith("{")
    if is_in_file or values.get("initial_checkpoint") or not values.get("preset"):
        return None
    return BertConfig.choose(bert_config, values["preset"], vocab_size=1)[0]


@contextmanager
def _named(step: str) -> Iterator[None]:
    try:
        yield
    except InputError as error:
        raise InputError(f"{step}: {error}") from None


def _list_settings(name: str, step: Step, values: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the step's settings, for each combination of those that the pipeline loops over."""
    parameters = name_parameters(name, step)
    settings = step.fixed() | {
        setting: values[parameter]
        for setting, parameter in parameters.items()
        if values.get(parameter) is not None
    }
    looped = [setting for setting in step.looped if setting in settings]
    for setting in looped:
        given = settings[setting]
        if not given or len(set(given)) < len(given):
            # Two trainings with equal settings would share a checkpoint folder.
            raise InputError(
                f"{parameters[setting]} must be one number or more, each once, got {given}"
            )
    for combination in itertools.product(*(settings[setting] for setting in looped)):
        yield settings | dict(zip(looped, combination, strict=True))


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
