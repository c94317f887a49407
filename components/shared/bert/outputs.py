"""Runs a training stage and says how it ended; free of TensorFlow, as the launcher is."""

import json
from collections.abc import Callable
from typing import Any

from components.shared import artifacts
from components.shared.bert.history import History
from components.shared.bert.launcher import rank_from_outside, run_on_processes
from components.shared.bert.manifest import MANIFEST
from components.shared.bert.settings import TrainingConfig
from components.shared.files import expect_place, expect_replaceable, write_text
from components.shared.mpijob.inside import is_inside
from components.shared.stage import Metadata


def train_and_summarize(config: TrainingConfig, train: Callable[[Any], None]) -> Metadata:
    """Call `train(config)` on all processes, write the metrics and return the metadata.

    Raises:
        InputError: before the training, if an output can't stand where it is to go.
    """
    if not rank_from_outside():  # other processes' machines may not have the outputs
        for path in (config.history, config.metrics):
            expect_place(path)
        expect_place(config.checkpoint, is_folder=True)
        expect_replaceable(config.checkpoint, MANIFEST)
    if config.num_nodes > 1 and rank_from_outside() is None:
        from components.shared.mpijob.train import train_on_nodes  # Kubernetes's client

        train_on_nodes(config)
        # The checkpoint stays in the store: Kubeflow's launcher takes it from there, and only
        # warns of an output that has no file here.
        for path in filter(artifacts.address_of, (config.history, config.metrics)):
            artifacts.fetch(path)
        history = History.read(config.history)
        summary = history.summary()
    else:
        run_on_processes(
            config.num_processes, train, config, hang_timeout_seconds=config.hang_timeout_seconds
        )
        if rank_from_outside():
            return {}
        history = History.read(config.history)
        summary = history.summary()
        write_text(config.metrics, json.dumps(summary, indent=2) + "\n")
        if is_inside():
            outputs = (config.checkpoint, config.history, config.metrics)
            for path in filter(artifacts.address_of, outputs):
                artifacts.publish(path)
    checkpoint = {"step": history.entries[-1]["step"], **summary}
    return {"checkpoint": checkpoint, config.metrics_output: summary}
