"""The pretraining stage."""

import json

from components.pretrain.config import PretrainConfig
from components.shared.bert.history import History
from components.shared.bert.launcher import run_on_processes
from components.shared.files import write_text
from components.shared.stage import Metadata


def train(config: PretrainConfig) -> None:
    """Train in one process; TensorFlow is imported there and not in the launcher."""
    from components.pretrain.train import train

    train(config)


def run(config: PretrainConfig) -> Metadata:
    """Pretrain on `num_processes` Horovod processes."""
    run_on_processes(config.num_processes, train, config)
    summary = History.read(config.history).summary()
    write_text(config.metrics, json.dumps(summary, indent=2) + "\n")
    return {"checkpoint": {"step": config.num_steps, **summary}, "metrics": summary}
