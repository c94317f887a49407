"""Runs the model over windows, and measures how fast it does."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from components.shared.bert.checkpoint import Checkpoint, named_variables, restore
from components.shared.bert.heads import SpanModel
from components.shared.bert.sequences import pad_sequences
from components.shared.cpus import count_cpus
from components.shared.progress import progress
from components.shared.squad.windows import Window

_PERCENTILES = (50, 90, 95, 99, 100)


@dataclass(frozen=True)
class Predictions:
    """The model's scores of every window's tokens, and its speed."""

    start_logits: list[np.ndarray]
    """For each window float32 [tokens of the window]."""
    end_logits: list[np.ndarray]
    speed: dict[str, float]
    """windows_per_second and latency_ms_p50 … p100 of a batch, compilation left out."""
    seconds: float
    """The time of all batches, without compilation and warm-up."""


class Predictor:
    """A fine-tuned model, ready to answer."""

    def __init__(self, checkpoint: Checkpoint, *, precision: str) -> None:
        keras.config.set_dtype_policy(precision)
        self._model = SpanModel(checkpoint.config, seed=0)
        self._model.build()
        restore(checkpoint.folder, named_variables(self._model))
        self._predict = tf.function(lambda arrays: self._model(arrays, training=False))

    def score(
        self, windows: Sequence[Window], *, batch_size: int
    ) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Start and end logits of every window: float32 [tokens of the window] each."""
        collected = _Logits(windows)
        for indices in _batches(windows, batch_size):
            batch = [windows[index] for index in indices]
            collected.add(indices, *self._run(_fill_up(batch, batch_size)))
        return collected.start, collected.end

    def predict(
        self, windows: Sequence[Window], *, batch_size: int, num_warmup_batches: int
    ) -> Predictions:
        """Score windows in batches of windows of like length, and measure the speed.

        Args:
            windows: what `make_windows` gives.
            batch_size: windows at once; a last batch that is not full is filled up.
            num_warmup_batches: batches of each shape that run, and compile, before its
                first one is timed.
        """
        collected = _Logits(windows)
        latencies: list[float] = []
        warm_shapes = set()
        with progress("Answering", total=len(windows), unit="windows") as shown:
            for indices in _batches(windows, batch_size):
                batch = [windows[index] for index in indices]
                arrays = _fill_up(batch, batch_size)
                shape = arrays["token_ids"].shape
                if shape not in warm_shapes:
                    warm_shapes.add(shape)
                    for _ in range(max(1, num_warmup_batches)):
                        self._run(arrays)
                started = time.perf_counter()
                logits = self._run(_fill_up(batch, batch_size))
                latencies.append(time.perf_counter() - started)
                collected.add(indices, *logits)
                shown.advance(len(indices))
        speed = _speed(latencies, len(windows))
        return Predictions(collected.start, collected.end, speed, sum(latencies))

    @staticmethod
    def conditions() -> dict[str, str]:
        """Under what conditions the speed was measured."""
        gpus = tf.config.list_physical_devices("GPU")
        if gpus:
            details = tf.config.experimental.get_device_details(gpus[0])
            return {"device": details.get("device_name", "GPU")}
        return {"device": f"CPU, {count_cpus()} cores"}

    def _run(self, arrays: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        start_BL, end_BL = self._predict(arrays)
        return start_BL.numpy(), end_BL.numpy()


class _Logits:
    """Gathers the scores of windows in the windows' order, without those of padding."""

    def __init__(self, windows: Sequence[Window]) -> None:
        self._lengths = [len(window.token_ids) for window in windows]
        self.start: list[np.ndarray] = [np.empty(0)] * len(windows)
        self.end = list(self.start)

    def add(self, indices: Sequence[int], start_BL: np.ndarray, end_BL: np.ndarray) -> None:
        for row, index in enumerate(indices):
            self.start[index] = start_BL[row, : self._lengths[index]]
            self.end[index] = end_BL[row, : self._lengths[index]]


def _batches(windows: Sequence[Window], batch_size: int) -> Iterator[list[int]]:
    """Indices of windows, sorted by length: little is padding."""
    order = sorted(range(len(windows)), key=lambda index: len(windows[index].token_ids))
    for start in range(0, len(order), batch_size):
        yield order[start : start + batch_size]


def _fill_up(batch: list[Window], batch_size: int) -> dict[str, np.ndarray]:
    """Repeat the last window until the batch is full: one shape less to compile."""
    full = batch + [batch[-1]] * (batch_size - len(batch))
    return pad_sequences(full, longest=max(len(window.token_ids) for window in batch))


def _speed(latencies: list[float], num_windows: int) -> dict[str, float]:
    milliseconds = np.array(latencies or [0.0]) * 1000
    speed = {f"latency_ms_p{p}": float(np.percentile(milliseconds, p)) for p in _PERCENTILES}
    return {"windows_per_second": num_windows / max(sum(latencies), 1e-9), **speed}
