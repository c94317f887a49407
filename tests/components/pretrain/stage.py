"""Runs the whole stage as a person does, on the small dataset."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

from components.shared.training.history import History
from tests.waiting import LONGEST_SECONDS, wait_until

LENGTH = 32
CONFIG = json.dumps(
    {
        "vocab_size": 64,
        "hidden_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "max_position_embeddings": 32,
    }
)


class Stage:
    """Runs `python -m components.pretrain` on the small dataset."""

    def __init__(self, dataset: Path, vocabulary: Path, output: Path) -> None:
        self.output = output
        self._flags = {
            "dataset": dataset,
            "vocabulary": vocabulary,
            "checkpoint": output / "checkpoint",
            "history": output / "history.jsonl",
            "pretrain-metrics": output / "metrics.json",
            "sequence-length": LENGTH,
            "bert-config": CONFIG,
            "global-batch-size": 16,
            "micro-batch-size": 16,
            "num-steps": 30,
            "learning-rate": 0.01,
            "log-every-steps": 5,
        }

    def command(self, **changes) -> list[str]:
        flags = self._flags | {name.replace("_", "-"): v for name, v in changes.items()}
        pairs = [(f"--{name}", str(value)) for name, value in flags.items()]
        return [sys.executable, "-m", "components.pretrain", *sum(pairs, ())]

    def run(self, **changes) -> subprocess.CompletedProcess:
        return subprocess.run(
            self.command(**changes),
            capture_output=True,
            text=True,
            check=False,
            timeout=LONGEST_SECONDS,
        )

    def start(self, **changes) -> subprocess.Popen:
        return subprocess.Popen(
            self.command(**changes), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )

    @property
    def states(self) -> Path:
        return self.output / "checkpoint-steps"

    def wait_for_state(
        self, process: subprocess.Popen, pattern: str = "step-*", *, states: Path | None = None
    ) -> None:
        """Return once a folder that fits is there which was not before."""
        states = states or self.states
        before = set(states.glob(pattern))
        wait_until(lambda: set(states.glob(pattern)) - before, process, interval_seconds=0.0005)

    def losses(self) -> list[tuple]:
        """Step and loss of each line of the history."""
        return [(entry["step"], entry["loss"]) for entry in self.history()]

    def history(self) -> list[dict]:
        """The lines of training."""
        return [entry for entry in self._entries() if "loss" in entry]

    def validation(self) -> list[dict]:
        """The lines of held-out numbers."""
        return [entry for entry in self._entries() if "held_out_loss" in entry]

    def _entries(self) -> list[dict]:
        return History.read(self.output / "history.jsonl").entries

    def weights(self) -> dict[str, np.ndarray]:
        reader = tf.train.load_checkpoint(str(self.output / "checkpoint" / "bert_model.ckpt"))
        return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}
