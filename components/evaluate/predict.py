"""Runs a model over windows or sentences, and measures how fast it does."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from components.evaluate.replicas import Arrays, Replicas
from components.shared.bert.sequences import TokenSequence, pad_sequences
from components.shared.errors import InputError
from components.shared.stage.progress import progress

PERCENTILES = (50, 90, 95, 99, 100)


@dataclass(frozen=True)
class Predictions:
    """What the model says of every sequence, and its speed."""

    outputs: list[list[np.ndarray]]
    """Return each of the model's outputs, sequence by sequence."""
    speed: dict[str, float]
    """windows_per_second (or sentences) over all devices, latency_ms_p50 … p100 of a batch, and
    compile_and_warmup_seconds, which are in none of them."""
    seconds: float
    """By the clock on the wall, over all devices, without compilation and warm-up."""


class Predictor:
    """A fine-tuned model, ready to answer, on each of the machine's devices."""

    def __init__(self, replicas: Replicas, *, per_token: bool, noun: str) -> None:
        """Take a loaded model.

        Args:
            replicas: the model on each device.
            per_token: whether it gives a start and an end for each token, or one output for
                each sequence.
            noun: what it reads: windows, or sentences.
        """
        self.replicas = replicas
        self._per_token, self._noun = per_token, noun

    def score(
        self, sequences: Sequence[TokenSequence], *, batch_size: int
    ) -> list[list[np.ndarray]]:
        """Return each of the model's outputs, sequence by sequence.

        Raises:
            InputError: if the device has not the memory for a batch.
        """
        batches = _Batches(sequences, batch_size)
        collected = _Outputs(sequences, per_token=self._per_token)
        with self._expect_memory(batch_size):
            self.replicas.run(
                len(batches),
                batches.make,
                lambda number, outputs: collected.add(batches.indices[number], outputs),
            )
        return collected.outputs

    def predict(
        self, sequences: Sequence[TokenSequence], *, batch_size: int, num_warmup_batches: int
    ) -> Predictions:
        """Score sequences in batches of like length, and measure the speed.

        Args:
            sequences: what `make_windows` or `make_features` gives.
            batch_size: sequences at once; a last batch that is not full is filled up.
            num_warmup_batches: batches of each shape that run, and compile, on each device
                before any is timed.

        Raises:
            InputError: if the device has not the memory for a batch.
        """
        batches = _Batches(sequences, batch_size)
        collected = _Outputs(sequences, per_token=self._per_token)
        with self._expect_memory(batch_size):
            warmup_seconds = self.replicas.warm_up(batches.one_of_each_shape(), num_warmup_batches)
            with progress("Predicting", total=len(sequences), unit=self._noun) as shown:

                def take(number: int, outputs: list[np.ndarray]) -> None:
                    collected.add(batches.indices[number], outputs)
                    shown.advance(len(batches.indices[number]))

                timings = self.replicas.time(len(batches), batches.make, take)
        speed = {
            f"{self._noun}_per_second": len(sequences) / max(timings.seconds, 1e-9),
            **percentiles(timings.latencies),
            "compile_and_warmup_seconds": warmup_seconds,
        }
        return Predictions(collected.outputs, speed, timings.seconds)

    @contextmanager
    def _expect_memory(self, batch_size: int) -> Iterator[None]:
        try:
            yield
        except (MemoryError, tf.errors.ResourceExhaustedError):
            raise InputError(
                f"out of memory with batch_size {batch_size} ({self._noun} at once); lower it"
            ) from None


def percentiles(latencies: Sequence[float]) -> dict[str, float]:
    """latency_ms_p50 … p100 of latencies in seconds."""
    milliseconds = np.array(latencies or [0.0]) * 1000
    return {f"latency_ms_p{p}": float(np.percentile(milliseconds, p)) for p in PERCENTILES}


class _Batches:
    """Sequences in batches of like length: little is padding."""

    def __init__(self, sequences: Sequence[TokenSequence], batch_size: int) -> None:
        self._sequences, self._batch_size = sequences, batch_size
        order = sorted(range(len(sequences)), key=lambda index: len(sequences[index].token_ids))
        self.indices = [
            order[start : start + batch_size] for start in range(0, len(order), batch_size)
        ]

    def __len__(self) -> int:
        return len(self.indices)

    def make(self, number: int) -> Arrays:
        """A batch; one that is not full repeats its last sequence: one shape less to compile."""
        batch = [self._sequences[index] for index in self.indices[number]]
        full = batch + [batch[-1]] * (self._batch_size - len(batch))
        return pad_sequences(full, longest=max(len(sequence.token_ids) for sequence in batch))

    def one_of_each_shape(self) -> list[Arrays]:
        """As `make` gives it."""
        shape_to_arrays: dict[tuple[int, ...], Arrays] = {}
        for number in range(len(self)):
            arrays = self.make(number)
            shape_to_arrays.setdefault(arrays["token_ids"].shape, arrays)
        return list(shape_to_arrays.values())


class _Outputs:
    """Gathers the outputs in the sequences' order, without those of padding."""

    def __init__(self, sequences: Sequence[TokenSequence], *, per_token: bool) -> None:
        self._lengths = [len(sequence.token_ids) for sequence in sequences]
        self._per_token = per_token
        num_outputs = 2 if per_token else 1
        self.outputs = [[np.empty(0)] * len(sequences) for _ in range(num_outputs)]

    def add(self, indices: Sequence[int], outputs: Sequence[np.ndarray]) -> None:
        for collected, output in zip(self.outputs, outputs, strict=True):
            for row, index in enumerate(indices):
                last = self._lengths[index] if self._per_token else None
                collected[index] = output[row, :last]
