"""Runs the pipeline on this machine with kfp.local: in processes, or in containers.

kfp's SubprocessRunner takes lightweight Python components only, though what it needs for
container components is small: the interpreter of the image. Its handler is replaced by
one that looks the image's environment up; everything else is kfp's.
"""

import itertools
import json
import os
import re
import subprocess
import sys
import warnings
from collections import Counter
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import Any, ClassVar

import docker
from kfp import local
from kfp.compiler.pipeline_spec_builder import to_protobuf_value
from kfp.dsl.base_component import BaseComponent
from kfp.local import docker_task_handler, executor_input_utils, subprocess_task_handler
from kfp.local.io import IOStore
from kfp.local.orchestrator import enhanced_dag_orchestrator, task_spec_utils
from kfp.local.status import Status
from kfp.pipeline_spec.pipeline_spec_pb2 import PipelineTaskSpec

from components.notify.config import URL_VARIABLE
from components.shared.stage.progress import TERMINAL_VARIABLE
from components.shared.stage.start import ERROR_FILE
from pipelines.local.environments import REPOSITORY, STAGES, python, set_up
from pipelines.local.given_files import OUTPUT_FOLDERS
from pipelines.local.images import expect_images
from pipelines.local.run_lock import run_under_way
from pipelines.local.run_log import RunLog

_PLACEHOLDER_FOR_PYTHON = "python"


class StepFailedError(RuntimeError):
    """A step of the pipeline failed; the message is the step's own error."""


def run(
    arguments: Mapping[str, Any],
    *,
    runner: str,
    output: Path,
    pipeline: BaseComponent,
    log: RunLog | None = None,
) -> Mapping[str, Any]:
    """Run the pipeline and return its output artifacts by name.

    Args:
        arguments: the pipeline's parameters.
        runner: "process" (each step in its image's environment) or "docker".
        output: folder under which this run's artifacts go.
        pipeline: the pipeline, or a compiled package loaded by kfp. Of a package's settings for
            a cluster, kfp's runners obey only the retries.
        log: takes what kfp and the steps print, and shows each step's time; without it, all is
            printed.

    Raises:
        InputError: if there is no container engine, or it lacks the images.
        StepFailedError: if a step fails, with its error.
        EnvironmentSetupError: if an image's environment can't be made.
    """
    if runner == "docker":
        # kfp's runner would ask the public registry for images of these names.
        expect_images(_images_of(pipeline))
    output.mkdir(parents=True, exist_ok=True)
    subprocess_task_handler.SubprocessTaskHandler = _ProcessHandler
    docker_task_handler.DockerTaskHandler = _ContainerHandler
    task_spec_utils.create_parameter_loop_iteration_task_spec = _make_iteration
    executor_input_utils.dsl_artifact_to_artifact_list = _list_artifacts
    enhanced_dag_orchestrator.ConditionEvaluator._resolve_pipeline_channel = staticmethod(
        _find_value
    )
    if runner == "docker":
        chosen = _docker_runner(arguments)
    else:
        for stage in _stages_of(pipeline):
            set_up(stage)
        chosen = local.SubprocessRunner(use_venv=False)
    # What kfp says of each step: that a display name, say, has no effect here.
    warnings.filterwarnings("ignore", message=".*have no effect in the current local runner")
    local.init(chosen, pipeline_root=str(output.resolve()))
    _take_turns(pipeline)
    _Run.log = log
    _Run.titles = _list_titles(pipeline)
    _Run.title_to_count.clear()
    try:
        with run_under_way(output), log.capture() if log else nullcontext():
            outputs = pipeline(**arguments).outputs
    except RuntimeError:
        if _Run.message is None:
            raise
        raise StepFailedError(_Run.message) from None
    return dict(outputs)


def _list_titles(pipeline: BaseComponent) -> dict[str, str]:
    """Return the name that people see of each task, by the task's own."""
    spec = pipeline.component_spec.implementation.graph
    dags = (spec.root.dag, *(component.dag for component in spec.components.values()))
    return {name: task.task_info.name for dag in dags for name, task in dag.tasks.items()}


def _show_step(full_command: list[str], output: Path) -> AbstractContextManager[None]:
    """Show a step on the terminal while it runs, if there is a log for the rest."""
    if _Run.log is None:
        return nullcontext()
    folders = _output_file(full_command).relative_to(output.resolve()).parts
    title = _Run.titles.get(folders[-2], folders[-2])
    if any("-iteration-" in part for part in folders):
        _Run.title_to_count[title] += 1
        title += f" ({_Run.title_to_count[title]})"
    return _Run.log.step(title, output / folders[0])


def _find_value(reference: str, store: IOStore) -> Any:
    """What a condition compares: `pipelinechannel--task-name-output_name`, or an input.

    kfp's own finds outputs called Output alone, and takes a condition on others for false.
    """
    with suppress(ValueError):
        return store.get_parent_input(reference)
    name = reference.removeprefix("pipelinechannel--")
    for dash in re.finditer("-", name):
        with suppress(ValueError):
            return store.get_task_output(name[: dash.start()], name[dash.end() :])
    with suppress(ValueError):
        return store.get_parent_input(name)
    return None


def _make_iteration(loop: PipelineTaskSpec, item: Any, loop_name: str) -> PipelineTaskSpec:  # noqa: ARG001
    """Return one pass of a loop, whose item is the loop's own.

    kfp's own also gives it to what asks for the item of a loop around this one.
    """
    iteration = PipelineTaskSpec()
    iteration.CopyFrom(loop)
    given = iteration.inputs.parameters[loop.parameter_iterator.item_input]
    given.runtime_value.constant.CopyFrom(to_protobuf_value(item))
    iteration.ClearField("parameter_iterator")
    return iteration


_list_flat_artifacts = executor_input_utils.dsl_artifact_to_artifact_list


def _list_artifacts(collected: Any) -> Any:
    """Return what loops in loops collect as one list, in the order of a cluster.

    kfp's own fails on a list of lists.
    """
    while isinstance(collected, list) and any(isinstance(one, list) for one in collected):
        collected = list(itertools.chain.from_iterable(collected))
    return _list_flat_artifacts(collected)


def _take_turns(pipeline: BaseComponent) -> None:
    """Let the passes of a loop follow one another: trainings would share the cores."""
    spec = pipeline.component_spec.implementation.graph
    for dag in (spec.root.dag, *(component.dag for component in spec.components.values())):
        for task in dag.tasks.values():
            if task.HasField("parameter_iterator"):
                task.iterator_policy.parallelism_limit = 1


class _Run:
    """The run under way, for the handlers, of which kfp makes one per step."""

    message: str | None = None
    """The failed step's error; kfp says only that some step failed."""
    log: RunLog | None = None
    titles: Mapping[str, str] = {}
    title_to_count: ClassVar[Counter[str]] = Counter()
    """How often a step in a loop has started."""


class _ProcessHandler(subprocess_task_handler.SubprocessTaskHandler):
    """Runs a container component's command with the interpreter of its image's environment."""

    def validate_image(self, image: str) -> None:
        """Accept any image: `run` knows its environment."""

    def validate_not_container_component(self, full_command: list[str]) -> None:
        """Accept container components."""

    def validate_not_containerized_python_component(self, full_command: list[str]) -> None:
        """Accept what is left."""

    def run(self) -> Status:
        """Run the step, pass its output on, and check that it wrote what it must."""
        stage = _stage_of(self.image)
        assert self.full_command[0] == _PLACEHOLDER_FOR_PYTHON
        command = [str(python(stage)), *self.full_command[1:]]
        environment = {**os.environ, **self.env_vars, "PYTHONUNBUFFERED": "1"}
        if sys.stderr.isatty():
            environment[TERMINAL_VARIABLE] = os.ttyname(sys.stderr.fileno())
        with (
            _show_step(self.full_command, Path(self.pipeline_root)),
            subprocess.Popen(
                command,
                cwd=REPOSITORY,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
            ) as process,
        ):
            assert process.stdout is not None
            for line in process.stdout:
                print(line, end="", flush=True)
        return _conclude(self.full_command, stage, process.returncode)


class _ContainerHandler(docker_task_handler.DockerTaskHandler):
    """kfp's own, which takes a container that fails at once for one that succeeded."""

    def run(self) -> Status:
        """Run the step and check that it wrote what it must."""
        with _show_step(self.full_command, Path(self.pipeline_root)):
            status = super().run()
        return _conclude(
            self.full_command, _stage_of(self.image), 0 if status == Status.SUCCESS else 1
        )


def _stages_of(pipeline: BaseComponent) -> list[str]:
    """The stages whose images a pipeline runs, in their order."""
    needed = set(map(_stage_of, _images_of(pipeline)))
    return [stage for stage in STAGES if stage in needed]


def _images_of(pipeline: BaseComponent) -> list[str]:
    executors = pipeline.pipeline_spec.deployment_spec["executors"].values()
    return sorted({executor["container"]["image"] for executor in executors})


def _stage_of(image: str) -> str:
    """`registry/kubeflow-bert/pretrain:0.1.0` is the image of the stage pretrain."""
    return image.rpartition("/")[2].partition(":")[0].partition("@")[0]


def _output_file(full_command: list[str]) -> Path:
    return Path(json.loads(full_command[-1])["outputs"]["outputFile"])


def _conclude(full_command: list[str], stage: str, return_code: int) -> Status:
    output_file = _output_file(full_command)
    if return_code == 0 and output_file.exists():
        return Status.SUCCESS
    error = output_file.with_name(ERROR_FILE)
    if error.exists():
        _Run.message = error.read_text("utf-8").strip()
    elif return_code:
        _Run.message = f"{stage} ended with status {return_code} and no error of its own"
    else:
        _Run.message = f"{stage} ended well but wrote no outputs; is its image of this version?"
    return Status.FAILURE


def _docker_runner(arguments: Mapping[str, Any]) -> local.DockerRunner:
    """Containers that see the files given as parameters, and write as this user."""
    folders = {
        str(Path(path.partition("#")[0]).parent)
        for value in arguments.values()
        if isinstance(value, str)
        for path in value.split(",")
        if path.startswith("/")
    }
    kept = [arguments[name] for name in OUTPUT_FOLDERS if arguments.get(name, "").startswith("/")]
    for folder in kept:
        Path(folder).mkdir(parents=True, exist_ok=True)
    read_only = {folder: True for folder in sorted(folders) if Path(folder).is_dir()}
    mounts = read_only | dict.fromkeys(kept, False)
    return local.DockerRunner(
        user=f"{os.getuid()}:{os.getgid()}",
        environment={
            "HOME": "/tmp",  # noqa: S108 - in the container
            URL_VARIABLE: os.environ.get(URL_VARIABLE, ""),
        },
        mounts=[
            docker.types.Mount(folder, folder, type="bind", read_only=read_only)
            for folder, read_only in mounts.items()
        ],
    )
