"""Losses on held-out rows, equal with any number of ranks and after a resume."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from components.pretrain.rows import Row, RowReader
from components.pretrain.task import PretrainingTask
from components.shared.processes import distributed
from components.shared.processes.heartbeat import pulse
from components.shared.training.micro_batches import MicroBatch
from components.shared.training.validation import HELD_OUT

# Not the training's: the sums of a batch would differ in their last digits with its size.
_ROWS_PER_BATCH = 16
_LOSSES = ("masked_lm", "next_sentence")
_MAX_EXPONENT = 700.0  # of a float64


class Validator:
    """Measures a pretraining task on the first rows of the held-out ones, in a fixed order."""

    def __init__(
        self,
        task: PretrainingTask,
        rows: RowReader,
        make: Callable[[Sequence[Row]], MicroBatch],
        *,
        num_batches: int,
    ) -> None:
        """Make the batches of this rank; the ranks take turns.

        Args:
            task: what is measured.
            rows: the held-out rows.
            make: what makes a micro-batch of them; the masks are those of the first epoch.
            num_batches: of 16 rows; where there are fewer rows, all are taken.
        """
        self._task = task
        num_rows = min(num_batches * _ROWS_PER_BATCH, rows.num_rows)
        starts = range(0, num_rows, _ROWS_PER_BATCH)
        self._num_batches = len(starts)
        self._batches = {
            index: make(
                [rows.read(place) for place in range(start, min(start + _ROWS_PER_BATCH, num_rows))]
            )
            for index, start in enumerate(starts)
            if index % distributed.size() == distributed.rank()
        }
        self._sum = tf.function(self._sum_eager)

    def measure(self) -> dict[str, float]:
        """Mean losses and accuracies, and the perplexity, on all ranks alike."""
        table = np.zeros((self._num_batches, len(_LOSSES), 3), np.float32)
        for index, batch in self._batches.items():
            pulse.move()
            table[index] = self._sum(batch.arrays).numpy()
            table[index, :, 2] = [batch.counts[name] for name in _LOSSES]
        # Each entry is one rank's, and zero on the others: the sum is exact.
        with tf.device("CPU"):
            (total,) = distributed.sum_over_processes([tf.constant(table)])
        sums = np.asarray(total, np.float64).sum(axis=0)
        numbers = {"loss": 0.0}
        for name, (loss, right, count) in zip(_LOSSES, sums.tolist(), strict=True):
            numbers |= {f"{name}_loss": loss / count, f"{name}_accuracy": right / count}
            numbers["loss"] += loss / count
        numbers["perplexity"] = math.exp(min(numbers["masked_lm_loss"], _MAX_EXPONENT))
        return {HELD_OUT + name: value for name, value in numbers.items()}

    def _sum_eager(self, arrays: Any) -> Any:
        """Losses and hits of each kind, [2, 3] float32 with a place for the counts."""
        sums = self._task.sums(arrays, training=False)
        return tf.stack([[sums[f"{name}_loss"], sums[f"{name}_accuracy"], 0.0] for name in _LOSSES])
