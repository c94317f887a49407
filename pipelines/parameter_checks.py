"""All settings of a run, looked at by its steps' own configs before the first step begins.

A batch that can't be cut, or a precision that there is none of, would be found by the step that
takes it, days later.
"""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from components.evaluate.classification.config import EvaluateClassificationConfig
from components.evaluate.squad.config import EvaluateConfig
from components.finetune.classification.config import FinetuneClassificationConfig
from components.finetune.squad.config import FinetuneConfig
from components.ingest.classification.config import IngestClassificationConfig
from components.ingest.config import IngestConfig, LookConfig
from components.preprocess.config import PreprocessConfig
from components.pretrain.config import PretrainConfig
from components.shared.errors import InputError
from components.shared.stage import read_executor_input


class _Step(NamedTuple):
    config: type
    prefix: str = ""
    """What its settings have before their names among the pipeline's parameters."""


_BERT = (
    _Step(IngestConfig),
    _Step(PreprocessConfig),
    _Step(PretrainConfig, "pretrain_128_"),
    _Step(PretrainConfig, "pretrain_512_"),
    _Step(FinetuneConfig, "finetune_"),
    _Step(EvaluateConfig, "evaluate_"),
)
_PIPELINE_TO_STEPS = {
    "bert": _BERT,
    "bert-retraining": (_Step(LookConfig), *_BERT),
    "classification": (
        _Step(IngestClassificationConfig),
        _Step(FinetuneClassificationConfig),
        _Step(EvaluateClassificationConfig, "evaluate_"),
    ),
}


def check_settings(pipeline: str, values: Mapping[str, Any]) -> None:
    """Make each step's config, with made-up places for what other steps give.

    Args:
        pipeline: its name; of one that is not of this project nothing is known.
        values: all its parameters.

    Raises:
        InputError: naming the step, the setting and the remedy.
    """
    for step in _PIPELINE_TO_STEPS.get(pipeline, ()):
        for settings in _list_settings(step, values):
            try:
                read_executor_input(step.config, _make_executor_input(step.config, settings))
            except InputError as error:
                stage = step.config.__module__.split(".")[1]
                raise InputError(f"{step.prefix.rstrip('_') or stage}: {error}") from None


def _list_settings(step: _Step, values: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The step's parameters, for each value of the one that the pipeline loops over."""
    settings = {}
    for field in dataclasses.fields(step.config):
        for parameter in (f"{step.prefix}{field.name}", field.name):
            if values.get(parameter) is not None:
                settings[field.name] = values[parameter]
                break
    rates = values.get(f"{step.prefix}learning_rates")
    if rates is None:
        yield settings
    elif not rates or len(set(rates)) < len(rates):
        # Two trainings with one rate would share a checkpoint folder.
        raise InputError(
            f"{step.prefix}learning_rates must be one number or more, each once, got {rates}"
        )
    for rate in rates or ():
        yield settings | {"learning_rate": rate}


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
