"""Makes a pipeline fit a machine: the settings of its steps, and its parameters' defaults."""

import functools
import inspect
import math
from collections.abc import Mapping
from typing import Any

from kfp import dsl
from kfp.dsl import pipeline_context
from kfp.dsl.graph_component import GraphComponent
from kfp.pipeline_spec.pipeline_spec_pb2 import PipelineSpec

from components.shared.checkpoints.lineage import IMAGE_VARIABLE
from components.shared.errors import InputError
from pipelines.machines.machine_plan import make_plan
from pipelines.machines.step_resources import (
    Queue,
    Volume,
    describe_worker_pod,
    limit_training,
    set_task,
)

# Since which version Kubeflow's API server reads these. One that finds a field it does not know
# drops all of the package's Kubernetes settings, secrets too, without an error.
_USER_SINCE, _LIMITS_SINCE = (2, 16), (2, 17)
# KFP 2.15 records a loop under its display name, and looks its outputs up by the task's key.
_LOOP_NAMES_SINCE = (2, 16)
_SECONDS_PER_DAY = 24 * 3600


def fit(
    pipeline: GraphComponent,
    hardware: str,
    *,
    images: Mapping[str, str] | None = None,
    volume: Volume | None = None,
    queue: Queue | None = None,
    kfp_version: str = "2.17",
    ttl_days: int = 0,
    deadline_days: int = 0,
    **recipe: Any,
) -> GraphComponent:
    """The pipeline as it is to run on such machines.

    Args:
        pipeline: with the defaults and without any setting for a cluster.
        hardware: see `find_hardware`. Its recipe becomes the parameters' defaults, and its
            CPUs, memory, GPUs and labels the settings of each step.
        images: the image to run in place of each name; none leaves the names.
        volume: what every step has mounted.
        queue: where the steps that take machines wait for them.
        kfp_version: the oldest version that the package must run on.
        ttl_days: how long Kubernetes keeps a finished run's workflow and pods; 0 is as long as
            the cluster says. Of no effect before KFP 2.17.
        deadline_days: after how long a run is ended; 0 is never. Of no effect before KFP 2.17.
        recipe: what `make_plan` takes besides.

    Raises:
        InputError: if there is no such machine, `make_plan` finds no recipe for it, or the
            deadline is too soon.
    """
    plan = make_plan(hardware, **recipe)
    machine = plan.hardware
    component_to_hours = {
        "pretrain": sum(phase.hours or 0 for phase in plan.phases),
        "finetune": plan.finetuning.hours or 0.0,
    }
    longest_hours = max(
        (component_to_hours.get(name, 0.0) for name in _list_components(pipeline)), default=0.0
    )
    pipeline_to_own = {
        "squad": plan.squad_parameters,
        "classification": plan.classification_parameters,
    }
    defaults = plan.parameters | pipeline_to_own.get(pipeline.component_spec.name, {})
    if machine.num_nodes > 1:
        defaults["worker_pod"] = describe_worker_pod(machine, queue)
        defaults["job_timeout_seconds"] = 3600 * limit_training(longest_hours)
    training_days = math.ceil(limit_training(longest_hours) / 24)
    if 0 < deadline_days < training_days:
        raise InputError(
            f"--deadline-days must be at least {training_days}, since one training alone may take "
            f"that long, or 0 for none, got {deadline_days}"
        )
    version = tuple(map(int, kfp_version.split(".")))
    function = pipeline.pipeline_func

    @functools.wraps(function)
    def fitted(*arguments: Any, **keywords: Any) -> Any:
        outputs = function(*arguments, **keywords)
        for task in pipeline_context.Pipeline.get_default_pipeline().tasks.values():
            if task.container_spec is None:  # a pipeline in it, whose steps were set already
                continue
            hours = component_to_hours.get(task.component_spec.name, 0.0)
            set_task(
                task,
                machine,
                training_hours=hours,
                volume=volume,
                queue=queue,
                names_user=version >= _USER_SINCE,
            )
            image = task.container_spec.image
            if images and image in images:
                task.set_container_image(images[image])
                task.set_env_variable(IMAGE_VARIABLE, images[image])
        return outputs

    limits = dsl.PipelineConfig(
        ttl_seconds_after_finished=ttl_days * _SECONDS_PER_DAY,
        active_deadline_seconds=deadline_days * _SECONDS_PER_DAY,
    )
    fitted.__signature__ = _replace_defaults(function, defaults)  # type: ignore[attr-defined]
    sized = dsl.pipeline(
        fitted,
        name=pipeline.component_spec.name,
        description=f"{pipeline.component_spec.description} "
        f"Sized for {machine.name} ({machine.describe()}).",
        pipeline_config=limits if version >= _LIMITS_SINCE else None,
    )
    if version < _LOOP_NAMES_SINCE:
        _name_loops_by_key(sized.pipeline_spec)
    return sized


def _name_loops_by_key(spec: PipelineSpec) -> None:
    for component in (spec.root, *spec.components.values()):
        for key, task in component.dag.tasks.items():
            if task.HasField("parameter_iterator"):
                task.task_info.name = key


def _list_components(pipeline: GraphComponent) -> list[str]:
    return [name.removeprefix("comp-") for name in pipeline.pipeline_spec.components]


def _replace_defaults(function: Any, defaults: Mapping[str, Any]) -> inspect.Signature:
    signature = inspect.signature(function)
    parameters = [
        parameter.replace(default=defaults.get(name, parameter.default))
        for name, parameter in signature.parameters.items()
    ]
    return signature.replace(parameters=parameters)
