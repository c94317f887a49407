"""Makes a pipeline's parameters from the configs of its steps.

A pipeline lists its steps and what each adds to its parameters; names, types, defaults and texts
are the configs'. Its function gets back, for each step, what to pass to the step's component.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from kfp import dsl
from kfp.dsl.graph_component import GraphComponent

from components.shared.stage.component import document, make_parameter
from components.shared.stage.settings import Setting, list_settings


@dataclass(frozen=True, kw_only=True)
class Step:
    """What a step adds to the parameters of its pipeline: every setting, unless hidden."""

    config: type
    own: tuple[str, ...] = ()
    """Settings that carry the step's name before theirs (`finetune_num_epochs`). All others share
    one parameter with the steps that have a setting of the same name."""
    hidden: tuple[str, ...] = ()
    """Settings that are not parameters of the pipeline."""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """Defaults that differ from the config's."""
    looped: Mapping[str, str] = field(default_factory=dict)
    """Settings for which the pipeline takes a list, under the plural, and what it does with
    several values. It runs the step with each combination of them."""

    def fixed(self) -> dict[str, Any]:
        """Return the hidden settings that have another value in this pipeline."""
        return {name: self.defaults[name] for name in self.hidden if name in self.defaults}


HIDDEN_SERVER = ("timeout_seconds", "max_retries", "max_listed_objects")
"""Settings of the ingest stage that no pipeline has as parameters."""

HIDDEN_TRAINING = (
    "xla", "compress_gradients", "num_checkpoints_kept", "hang_timeout_seconds", "log_every_steps",
)  # fmt: skip
"""Settings of a training stage that no pipeline has as parameters."""

Steps = Mapping[str, Step]
"""A pipeline's steps by name, in the order in which they run."""
Inputs = Mapping[str, dict[str, Any]]
"""What a pipeline passes to each step's component: the step's name -> setting -> value."""


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A parameter of a pipeline, and the steps that take it."""

    setting: Setting
    """Name, type, default and text, as the pipeline has them."""
    steps: tuple[str, ...]


def make_pipeline(
    *, name: str, description: str, steps: Steps
) -> Callable[[Callable[[Inputs], Any]], GraphComponent]:
    """Make a pipeline of a function that gets each step's settings."""

    def decorate(function: Callable[[Inputs], Any]) -> GraphComponent:
        parameters = list_parameters(steps)

        def build(*channels: Any) -> Any:
            values = dict(zip(parameters, channels, strict=True))
            return function(
                {
                    step_name: step.fixed()
                    | {
                        setting: values[parameter]
                        for setting, parameter in name_parameters(step_name, step).items()
                    }
                    for step_name, step in steps.items()
                }
            )

        settings = [parameter.setting for parameter in parameters.values()]
        build.__name__ = function.__name__
        build.__doc__ = document(inspect.getdoc(function) or "", settings)
        build.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [make_parameter(setting) for setting in settings],
            return_annotation=inspect.signature(function).return_annotation,
        )
        build.steps = steps  # type: ignore[attr-defined]
        return dsl.pipeline(build, name=name, description=description)

    return decorate


def steps_of(pipeline: GraphComponent) -> Steps:
    """Return the steps that a pipeline was made from."""
    steps: Steps = getattr(pipeline.pipeline_func, "steps", {})
    return steps


def name_parameters(name: str, step: Step) -> dict[str, str]:
    """Return the pipeline's parameter for each setting that the step takes from it."""
    names = {}
    for setting in list_settings(step.config).values():
        if setting.is_path or setting.name in step.hidden:
            continue
        parameter = f"{setting.name}s" if setting.name in step.looped else setting.name
        names[setting.name] = f"{name}_{parameter}" if setting.name in step.own else parameter
    return names


def list_parameters(steps: Steps) -> dict[str, Parameter]:
    """Return the parameters of a pipeline by name, the required ones first.

    A parameter that several steps share has the text of the first.
    """
    parameters: dict[str, Parameter] = {}
    for name, step in steps.items():
        for setting in _list_own_settings(name, step):
            known = parameters.get(setting.name)
            if known is None:
                parameters[setting.name] = Parameter(setting=setting, steps=(name,))
                continue
            same = (known.setting.type, known.setting.default) == (setting.type, setting.default)
            assert same, f"{setting.name} differs between {known.steps} and {name}"
            parameters[setting.name] = replace(known, steps=(*known.steps, name))
    required = {name: one for name, one in parameters.items() if one.setting.is_required}
    return required | parameters


def _list_own_settings(name: str, step: Step) -> Iterator[Setting]:
    """Yield a step's settings under the names and with the defaults that its pipeline has."""
    settings = list_settings(step.config)
    for setting, parameter in name_parameters(name, step).items():
        one = settings[setting]
        made = replace(one, name=parameter, default=step.defaults.get(setting, one.default))
        if setting in step.looped:
            kind: Any = tuple[one.type, ...]  # type: ignore[name-defined]
            text = f"{one.text} {step.looped[setting]}"
            made = replace(made, type=kind, default=(made.default,), text=text)
        yield made
