"""Makes a stage's Kubeflow component from the stage's config."""

import inspect
import textwrap
import typing
from collections.abc import Mapping
from typing import Any, Literal

from kfp import dsl
from kfp.dsl.container_component_class import ContainerComponent

from components.shared.images import name_image
from components.shared.stage.settings import REQUIRED, Setting, list_settings


def make_component(
    config: type,
    *,
    name: str,
    image: str,
    command: str,
    inputs: Mapping[str, Any],
    outputs: Mapping[str, Any],
) -> ContainerComponent:
    """Make the component whose parameters are a config's settings, under the same names.

    The config gives each parameter's type, default and description, and says which inputs may
    be missing. What it can't know is what Kubeflow is to call its paths.

    Args:
        config: the stage's dataclass.
        name: the component's name, as a Python identifier.
        image: the stage whose image runs it.
        command: the module to run, and the command's first word if the module has several.
        inputs: the artifact type of each path that the stage reads, and PipelineTaskFinalStatus
            for the setting that tells an exit task how the steps before it ended.
        outputs: the artifact type of each path that it writes; for an output parameter, the
            parameter's type.
    """
    settings = list_settings(config)
    paths = {setting.name for setting in settings.values() if setting.is_path}
    artifacts = {one for one, kind in inputs.items() if kind is not dsl.PipelineTaskFinalStatus}
    assert paths == {*artifacts, *outputs}, f"{name}: the config's paths are {sorted(paths)}"

    def component(*_: Any) -> dsl.ContainerSpec:
        return dsl.ContainerSpec(
            image=name_image(image),
            command=["python", "-m", *command.split()],
            args=["--executor-input", dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER],
        )

    component.__name__ = name
    component.__doc__ = document(inspect.getdoc(config) or "", settings.values())
    component.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [_make_parameter(setting, inputs, outputs) for setting in settings.values()],
        return_annotation=dsl.ContainerSpec,
    )
    return dsl.container_component(component)


def document(description: str, settings: typing.Iterable[Setting]) -> str:
    """Return a docstring from which kfp takes the descriptions of the settings."""
    texts = "\n".join(f"{setting.name}: {describe(setting)}" for setting in settings)
    return f"{description}\n\nArgs:\n{textwrap.indent(texts, '    ')}\n"


def describe(setting: Setting) -> str:
    """Return a setting's text with its choices, which Kubeflow doesn't show otherwise."""
    if not (choices := setting.choices):
        return setting.text
    return f"{setting.text} One of {', '.join(choices)}."


def make_parameter(setting: Setting) -> inspect.Parameter:
    """Return the parameter that kfp reads for a setting that is not a path."""
    is_list = isinstance(setting.default, tuple)
    default = list(setting.default) if is_list else setting.default
    return _to_parameter(setting.name, to_kfp_type(setting.type), default)


def to_kfp_type(kind: Any) -> Any:
    """Return the type that stands for a setting's in kfp, which knows no choices or tuples."""
    if typing.get_origin(kind) is Literal:
        return str
    if typing.get_origin(kind) is tuple:
        return list[to_kfp_type(typing.get_args(kind)[0])]  # type: ignore[misc]
    return kind


def _make_parameter(
    setting: Setting, inputs: Mapping[str, Any], outputs: Mapping[str, Any]
) -> inspect.Parameter:
    if setting.name in outputs:
        kind = outputs[setting.name]
        is_artifact = issubclass(kind, dsl.Artifact)
        annotation = dsl.Output[kind] if is_artifact else dsl.OutputPath(kind)
        return _to_parameter(setting.name, annotation, REQUIRED)
    if setting.name in inputs:
        kind = inputs[setting.name]
        if kind is dsl.PipelineTaskFinalStatus:
            return _to_parameter(setting.name, kind, REQUIRED)
        is_list = typing.get_origin(setting.type) is tuple
        annotation = dsl.Input[list[kind] if is_list else kind]  # type: ignore[valid-type]
        if setting.default is None:
            annotation = annotation | None
        return _to_parameter(setting.name, annotation, setting.default)
    return make_parameter(setting)


def _to_parameter(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        annotation=annotation,
        default=inspect.Parameter.empty if default is REQUIRED else default,
    )
