"""Runs a training stage and says how it ended; free of TensorFlow, as the launcher is."""

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from components.shared.checkpoints.checkpoint_manifest import MANIFEST
from components.shared.errors import InputError
from components.shared.files.atomic import expect_place, expect_replaceable, write_text
from components.shared.mpijob.own_pod import is_inside
from components.shared.processes.launcher import rank_from_outside, run_as_rank, run_on_processes
from components.shared.processes.supervisor import supervise
from components.shared.processes.termination import Termination
from components.shared.stage.start import Metadata
from components.shared.storage import artifact_paths
from components.shared.storage.locations import SCHEMES
from components.shared.training.history import History
from components.shared.training.resuming.checkpoint_store import open_states, step_of
from components.shared.training.settings import TrainingConfig


def train_and_summarize(config: TrainingConfig, train: Callable[[Any], None]) -> Metadata:
    """Call `train(config)` on all processes, write the metrics and return the metadata.

    A training that dies is restarted from its newest checkpoint, here or in a new MPIJob, except by
    horovodrun or mpirun.

    Raises:
        InputError: before the training, if an output can't stand where it is to go.
        Exception: as `supervise` does.
    """
    rank = rank_from_outside()
    if not rank:  # other ranks' machines may not have the outputs
        for path in (config.history, config.metrics):
            expect_place(path)
        folders = [config.checkpoint, config.events]
        if not config.step_checkpoints.startswith(SCHEMES):
            folders.append(Path(config.step_checkpoints))
        for folder in filter(None, folders):
            expect_place(folder, is_folder=True)
        expect_replaceable(config.checkpoint, MANIFEST)
    if rank is not None:
        run_as_rank(train, config, hang_timeout_seconds=config.hang_timeout_seconds)
        if rank > 0:
            return {}
    elif config.num_nodes > 1:
        from components.shared.mpijob.train import train_on_nodes  # Kubernetes's client

        _supervise(config, partial(train_on_nodes, config))
        # The checkpoint stays in the store: Kubeflow's launcher takes it from there, and only
        # warns of an output that has no file here.
        for path in filter(artifact_paths.address_of, (config.history, config.metrics)):
            artifact_paths.fetch(path)
    else:
        _supervise(config, partial(_train_here, config, train))
    history = History.read(config.history)
    summary = history.summary()
    if rank is not None or config.num_nodes == 1:
        write_text(config.metrics, json.dumps(summary, indent=2) + "\n")
        if is_inside():
            outputs = (config.checkpoint, config.history, config.metrics)
            for path in filter(artifact_paths.address_of, outputs):
                artifact_paths.publish(path)
        _remove_states_beside_output(config)
    steps = [entry["step"] for entry in history.entries]
    checkpoint = {"step": steps[-1] if steps else 0, **summary}
    return {"checkpoint": checkpoint, config.metrics_output: summary}


def _train_here(
    config: TrainingConfig, train: Callable[[Any], None], termination: Termination
) -> None:
    run_on_processes(
        config.num_processes,
        train,
        config,
        hang_timeout_seconds=config.hang_timeout_seconds,
        termination=termination,
    )


def _supervise(config: TrainingConfig, train_once: Callable[[Termination], None]) -> None:
    supervise(
        train_once,
        label=config.step_name,
        max_restarts=config.max_restarts,
        find_newest_step=lambda: _find_newest_step(config),
    )


def _find_newest_step(config: TrainingConfig) -> int | None:
    """Return the optimizer steps in the newest checkpoint; None while its store can't tell."""
    try:
        names = open_states(config.step_checkpoints).names()
    except InputError as error:
        print(f"{config.step_name}: {error}", file=sys.stderr, flush=True)
        return None
    return step_of(names[0]) if names else 0


def _remove_states_beside_output(config: TrainingConfig) -> None:
    """Remove the last state where it would be lost with the output anyway.

    Elsewhere it stays: Kubeflow uploads the output after this process has ended, and a step
    whose pod is lost until then writes the output again from that state, without training.
    """
    if config.checkpoint_directory:
        return
    states = open_states(config.step_checkpoints)
    for name in states.names():
        states.remove(name)
