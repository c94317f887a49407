"""The losses and the speed between two lines of the history."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from components.shared.processes import distributed
from components.shared.training.micro_batches import MicroBatch


@dataclass
class Sums:
    """What one update was summed over, on all processes."""

    names: list[str]
    """Of the losses, sorted."""
    counts: Any
    """Items of each."""
    sums: Any
    """Of each loss, behind its accuracy where it has one."""


class Window:
    """Gathers the numbers between two lines of the history."""

    def __init__(self, flops: Callable[[dict[str, Any]], int], *, peak: float | None) -> None:
        """Start anew.

        Args:
            flops: operations of a micro-batch's arrays.
            peak: operations a second that the device can do, if known.
        """
        self._flops, self._peak = flops, peak
        self._updates: list[Sums] = []
        self.restart_clock()

    def restart_clock(self) -> None:
        """Count speed from now on."""
        self._started = time.perf_counter()
        self._num_sequences = self._num_tokens = self._num_positions = self._num_flops = 0

    def state(self) -> dict[str, Any]:
        """The updates since the last line, for a run that goes on between two lines."""
        return {
            "names": self._updates[0].names if self._updates else [],
            "counts": [np.asarray(update.counts).tolist() for update in self._updates],
            "sums": [np.asarray(update.sums).tolist() for update in self._updates],
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Resume from such a state."""
        self._updates = [
            Sums(state["names"], np.array(counts, np.float32), np.array(sums, np.float32))
            for counts, sums in zip(state["counts"], state["sums"], strict=True)
        ]

    def add(self, update: Sums, batch: Sequence[MicroBatch]) -> None:
        """Take in an update, and this process's share of its batch."""
        self._updates.append(update)
        for micro_batch in batch:
            self._num_sequences += micro_batch.num_sequences
            self._num_tokens += micro_batch.num_tokens
            self._num_positions += micro_batch.num_positions
            self._num_flops += self._flops(micro_batch.arrays)

    def close(self, step: int, learning_rate: float) -> dict[str, Any]:
        """Return the history's line of the updates since the one before, and start anew."""
        names = self._updates[0].names
        counts = np.sum([np.asarray(update.counts) for update in self._updates], axis=0)
        sums = np.sum([np.asarray(update.sums) for update in self._updates], axis=0)
        # Sorted names: accuracy before loss, name by name.
        with np.errstate(invalid="ignore"):  # 0 / 0 where every update was skipped
            means = sums.reshape(len(names), -1) / counts[:, None]
        entry: dict[str, Any] = {"step": step, "loss": float(means[:, -1].sum())}
        for name, (*accuracies, loss) in zip(names, means.tolist(), strict=True):
            entry[f"{name}_loss"] = loss
            entry |= {f"{name}_accuracy": accuracy for accuracy in accuracies}
        entry |= {"learning_rate": learning_rate, **self._speed()}
        self._updates = []
        self.restart_clock()
        return entry

    def _speed(self) -> dict[str, float]:
        """Return the speed of all ranks, as each does as much; none if no step was timed."""
        if not self._num_sequences:
            return {}
        seconds = time.perf_counter() - self._started
        rate = distributed.size() / seconds
        speed = {
            "sequences_per_second": self._num_sequences * rate,
            "tokens_per_second": self._num_tokens * rate,
            "tokens_per_second_with_padding": self._num_positions * rate,
            "model_flops_per_second": self._num_flops * rate,
        }
        if self._peak is not None:
            speed["share_of_peak"] = self._num_flops / seconds / self._peak
        return speed
