"""Runs a model over windows or sentences, and measures how fast it does."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from components.shared.bert.checkpoint import Checkpoint, named_variables, restore
from components.shared.bert.config import BertConfig
from components.shared.bert.heads import Model, SpanModel
from components.shared.bert.sequences import TokenSequence, pad_sequences
from components.shared.cpus import count_cpus
from components.shared.progress import progress

_PERCENTILES = (50, 90, 95, 99, 100)


@dataclass(frozen=True)
class Predictions:
    """What the model says of every sequence, and its speed."""

    outputs: list[list[np.ndarray]]
    """Each of the model's outputs, sequence by sequence."""
    speed: dict[str, float]
    """windows_per_second (or sentences) and latency_ms_p50 … p100 of a batch, compilation left
    out."""
    seconds: float
    """The time of all batches, without compilation and warm-up."""


class Predictor:
    """A fine-tuned model, ready to answer."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        make_model: Callable[[BertConfig], Model],
        *,
        precision: str,
        noun: str,
    ) -> None:
        """Load the model.

        Args:
            checkpoint: where its weights are.
            make_model: builds its architecture.
            precision: of its arithmetic.
            noun: what it reads: windows, or sentences.

        Raises:
            InputError: if the checkpoint is of another architecture or task.
        """
        keras.config.set_dtype_policy(precision)
        self._noun = noun
        self._model = make_model(checkpoint.config)
        self._model.build()
        restore(checkpoint.folder, named_variables(self._model))
        # A start and an end for each token, or one output for each sequence.
        self._per_token = isinstance(self._model, SpanModel)
        self._predict = tf.function(lambda arrays: self._model(arrays, training=False))

    def score(
        self, sequences: Sequence[TokenSequence], *, batch_size: int
    ) -> list[list[np.ndarray]]:
        """Each of the model's outputs, sequence by sequence."""
        collected = self._collect(sequences)
        for indices in _batches(sequences, batch_size):
            batch = [sequences[index] for index in indices]
            collected.add(indices, self._run(_fill_up(batch, batch_size)))
        return collected.outputs

    def predict(
        self, sequences: Sequence[TokenSequence], *, batch_size: int, num_warmup_batches: int
    ) -> Predictions:
        """Score sequences in batches of like length, and measure the speed.

        Args:
            sequences: what `make_windows` or `make_features` gives.
            batch_size: sequences at once; a last batch that is not full is filled up.
            num_warmup_batches: batches of each shape that run, and compile, before its
                first one is timed.
        """
        collected = self._collect(sequences)
        latencies: list[float] = []
        warm_shapes = set()
        with progress("Predicting", total=len(sequences), unit=self._noun) as shown:
            for indices in _batches(sequences, batch_size):
                batch = [sequences[index] for index in indices]
                arrays = _fill_up(batch, batch_size)
                shape = arrays["token_ids"].shape
                if shape not in warm_shapes:
                    warm_shapes.add(shape)
                    for _ in range(max(1, num_warmup_batches)):
                        self._run(arrays)
                started = time.perf_counter()
                outputs = self._run(_fill_up(batch, batch_size))
                latencies.append(time.perf_counter() - started)
                collected.add(indices, outputs)
                shown.advance(len(indices))
        seconds = sum(latencies)
        rate = {f"{self._noun}_per_second": len(sequences) / max(seconds, 1e-9)}
        return Predictions(collected.outputs, rate | _percentiles(latencies), seconds)

    @staticmethod
    def conditions() -> dict[str, str]:
        """Under what conditions the speed was measured."""
        gpus = tf.config.list_physical_devices("GPU")
        if gpus:
            details = tf.config.experimental.get_device_details(gpus[0])
            return {"device": details.get("device_name", "GPU")}
        return {"device": f"CPU, {count_cpus()} cores"}

    def _collect(self, sequences: Sequence[TokenSequence]) -> "_Outputs":
        return _Outputs(sequences, 2 if self._per_token else 1, per_token=self._per_token)

    def _run(self, arrays: dict[str, np.ndarray]) -> list[np.ndarray]:
        outputs = self._predict(arrays)
        return [output.numpy() for output in tf.nest.flatten(outputs)]


class _Outputs:
    """Gathers the outputs in the sequences' order, without those of padding."""

    def __init__(
        self, sequences: Sequence[TokenSequence], num_outputs: int, *, per_token: bool
    ) -> None:
        self._lengths = [len(sequence.token_ids) for sequence in sequences]
        self._per_token = per_token
        self.outputs = [[np.empty(0)] * len(sequences) for _ in range(num_outputs)]

    def add(self, indices: Sequence[int], outputs: Sequence[np.ndarray]) -> None:
        for collected, output in zip(self.outputs, outputs, strict=True):
            for row, index in enumerate(indices):
                last = self._lengths[index] if self._per_token else None
                collected[index] = output[row, :last]


def _batches(sequences: Sequence[TokenSequence], batch_size: int) -> Iterator[list[int]]:
    """Indices of sequences, sorted by length: little is padding."""
    order = sorted(range(len(sequences)), key=lambda index: len(sequences[index].token_ids))
    for start in range(0, len(order), batch_size):
        yield order[start : start + batch_size]


def _fill_up(batch: list[TokenSequence], batch_size: int) -> dict[str, np.ndarray]:
    """Repeat the last sequence until the batch is full: one shape less to compile."""
    full = batch + [batch[-1]] * (batch_size - len(batch))
    return pad_sequences(full, longest=max(len(sequence.token_ids) for sequence in batch))


def _percentiles(latencies: list[float]) -> dict[str, float]:
    milliseconds = np.array(latencies or [0.0]) * 1000
    return {f"latency_ms_p{p}": float(np.percentile(milliseconds, p)) for p in _PERCENTILES}
