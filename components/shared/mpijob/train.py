"""Has a training stage's work done by an MPIJob on several nodes."""

import dataclasses
import hashlib
import os
import re
import socket
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from components.shared.errors import InputError
from components.shared.mpijob.kubernetes_api import connect
from components.shared.mpijob.lifecycle import JobRun
from components.shared.mpijob.mpijob_manifest import (
    JobSpec,
    make_mpijob,
    make_network_policy,
    name_job,
)
from components.shared.mpijob.own_pod import OwnPod, read_own_pod
from components.shared.mpijob.worker_pod import WorkerPod
from components.shared.processes.termination import Termination
from components.shared.stage.command_line import format_value
from components.shared.storage.artifact_paths import address_of, mount_of

# This step's business, not that of the processes that train.
_OURS = (
    "num_nodes", "worker_pod", "pending_timeout_seconds", "job_timeout_seconds", "max_restarts",
)  # fmt: skip


def train_on_nodes(config: Any, termination: Termination) -> None:
    """Run a stage's training in the pods of an MPIJob; return once its outputs are written.

    The outputs are then where the config's paths are, or where those stand for: in the store.

    Args:
        config: the stage's `TrainingConfig`.
        termination: whether this process is asked to end.

    Raises:
        InputError: if there is no cluster, or a path is on this pod's own disk.
        Exception: as `JobRun.run` does.
    """
    cluster = connect()
    own_pod = read_own_pod(cluster.read_pod(os.environ.get("KFP_POD_NAME") or socket.gethostname()))
    paths = find_paths(config)
    _expect_in_reach(paths, config.num_nodes, own_pod)
    stored = {name: path for name, path in paths.items() if address_of(path)}
    outputs = ("checkpoint", "history", config.metrics_output)
    step = name_step(config.step_name, config.checkpoint)
    spec = JobSpec(
        step=step,
        name=name_job(step),
        namespace=cluster.namespace,
        command=[*config.command, *make_flags(config)],
        num_nodes=config.num_nodes,
        slots_per_worker=config.num_processes // config.num_nodes,
        inputs=[str(path) for name, path in stored.items() if name not in outputs],
        mounts=sorted({mount for path in stored.values() if (mount := mount_of(path))}),
        timeout_seconds=config.job_timeout_seconds,
    )
    JobRun(
        cluster,
        make_mpijob(spec, own_pod, WorkerPod.parse(config.worker_pod)),
        make_network_policy(spec, own_pod),
        pending_timeout_seconds=config.pending_timeout_seconds,
    ).run(termination)


def name_step(step_name: str, output: Path) -> str:
    """Return one name for all tries of a step, another for each other step: by its output."""
    digest = hashlib.sha256(str(output).encode()).hexdigest()[:10]
    # Pods have hosts' names after it, which hold no dot.
    return f"{step_name.replace('.', '-')}-{digest}"


def make_flags(config: Any) -> list[str]:
    """The flags of a stage's command line that make the same config, but for this step's own."""
    flags = []
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if field.name not in _OURS and value is not None and value != field.default:
            flags += [f"--{field.name.replace('_', '-')}", format_value(value)]
    return flags


def find_paths(config: Any) -> dict[str, Path]:
    """The files and folders that a config names, by the names of its fields."""
    hints = typing.get_type_hints(type(config))
    values = {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}
    paths = {
        name: value
        for name, value in values.items()
        if isinstance(value, Path) and Path in (hints[name], *typing.get_args(hints[name]))
    }
    for name in ("checkpoint_directory", "tensorboard_directory", "bert_config"):
        value = values.get(name, "")
        if value and not re.match(r"\w+://|\s*\{", value):
            paths[name] = Path(value)
    return paths


def _expect_in_reach(paths: dict[str, Path], num_nodes: int, own_pod: OwnPod) -> None:
    lost: Sequence[str] = [
        f"{name} {path}"
        for name, path in paths.items()
        if not address_of(path) and not own_pod.holds(path.absolute())
    ]
    if lost:
        raise InputError(
            f"num_nodes {num_nodes}: {', '.join(lost)}: on this pod's own disk, which the pods "
            "that train don't see; use gs:// or s3:// (a pipeline root there), or a mounted "
            "persistent volume that many nodes can write"
        )
