"""A copy of the model on each of the machine's devices, which share a series of batches."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import keras
import numpy as np
import tensorflow as tf

from components.shared.bert.config import BertConfig
from components.shared.bert.heads import Model
from components.shared.checkpoints.checkpoint import Checkpoint, named_variables, restore
from components.shared.parallel import run_in_threads

Arrays = Mapping[str, np.ndarray]
"""int32 [batch, length] token_ids and segment_ids."""
MakeModel = Callable[[BertConfig], Model]
# Any batch and any length: traced once, not for each shape on each device.
_IDS = tf.TensorSpec([None, None], tf.int32)
_SIGNATURE = {"token_ids": _IDS, "segment_ids": _IDS}


@dataclass(frozen=True)
class Timings:
    """How long a series of batches took."""

    latencies: list[float]
    """Seconds from each batch's sequences to its outputs, on one device, the others at work."""
    seconds: float
    """By the clock on the wall, over all devices."""


class Replicas:
    """A model on all GPUs, or on the CPU where there are none, with a thread for each."""

    def __init__(self, checkpoint: Checkpoint, make_model: MakeModel, *, precision: str) -> None:
        """Load the model.

        Args:
            checkpoint: where its weights are.
            make_model: builds its architecture.
            precision: of its arithmetic.

        Raises:
            InputError: if the checkpoint is of another architecture or task.
        """
        keras.config.set_dtype_policy(precision)
        self._replicas: list[_Replica] = []
        for device in list_devices():
            with tf.device(device.name):
                model = make_model(checkpoint.config)
                model.build()
                if self._replicas:
                    _copy(self._replicas[0].model, model)
                else:
                    restore(checkpoint.folder, named_variables(model))
            self._replicas.append(_Replica(device.name, model))
        self.model = self._replicas[0].model

    def __len__(self) -> int:
        return len(self._replicas)

    def run(
        self,
        num_batches: int,
        make: Callable[[int], Arrays],
        take: Callable[[int, list[np.ndarray]], None],
    ) -> None:
        """Run batches; each goes to the device that is free first.

        Args:
            num_batches: how many.
            make: gives the arrays of the batch of a number.
            take: gets the number and the outputs, in any order but never twice at once.
        """
        self._share(num_batches, lambda replica, number: replica.run(make(number)), take)

    def warm_up(self, examples: list[Arrays], count: int) -> float:
        """Run an example of each shape so often on each device; return the seconds it took.

        What is compiled for a shape, and what a library tries out for it, is so once it ran.
        """
        started = time.perf_counter()

        def work(replica: "_Replica", stop: threading.Event) -> None:
            for arrays in examples:
                if not stop.is_set():
                    replica.warm_up(arrays, count)

        self._on_each(work)
        return time.perf_counter() - started

    def time(
        self,
        num_batches: int,
        make: Callable[[int], Arrays],
        take: Callable[[int, list[np.ndarray]], None] = lambda _number, _outputs: None,
    ) -> Timings:
        """Run batches as `run` does, and measure it; all shapes must have been warmed up."""
        latencies = [0.0] * num_batches

        def run(replica: "_Replica", number: int) -> list[np.ndarray]:
            started = time.perf_counter()
            outputs = replica.run_warm(make(number))
            latencies[number] = time.perf_counter() - started
            return outputs

        started = time.perf_counter()
        self._share(num_batches, run, take)
        return Timings(latencies, time.perf_counter() - started)

    def _share(
        self,
        num_batches: int,
        run: Callable[["_Replica", int], list[np.ndarray]],
        take: Callable[[int, list[np.ndarray]], None],
    ) -> None:
        # Threads may take from it at once: next() of a range's iterator is one step of Python.
        numbers = iter(range(num_batches))
        lock = threading.Lock()

        def work(replica: "_Replica", stop: threading.Event) -> None:
            for number in numbers:
                if stop.is_set():
                    return
                outputs = run(replica, number)
                with lock:
                    take(number, outputs)

        self._on_each(work)

    def _on_each(self, work: Callable[["_Replica", threading.Event], None]) -> None:
        """Do it on each device at once; an error is raised when all of them are free again."""
        stop = threading.Event()

        def attempt(replica: "_Replica") -> Exception | None:
            try:
                work(replica, stop)
            except Exception as error:  # raised below: what comes next has the devices alone
                stop.set()
                return error
            return None

        tasks = [partial(attempt, replica) for replica in self._replicas]
        try:
            # With an event of its own: by `stop`, a task that has not begun never would, and its
            # result would be waited for.
            errors = run_in_threads(tasks, num_threads=len(tasks), stop=threading.Event())
        finally:
            stop.set()  # for Ctrl-C
        for error in errors:
            if error is not None:
                raise error


class _Replica:
    """The model on one device."""

    def __init__(self, device: str, model: Model) -> None:
        self.model = model
        self._warm: set[tuple[int, ...]] = set()

        @tf.function(input_signature=[_SIGNATURE])
        def predict(arrays: Mapping[str, tf.Tensor]) -> list[tf.Tensor]:
            return tf.nest.flatten(model(arrays, training=False))

        # Traced here, in one thread: Keras is not made to be traced in several.
        with tf.device(device):
            predict.get_concrete_function()
        self._predict, self._device = predict, device

    def run(self, arrays: Arrays) -> list[np.ndarray]:
        with tf.device(self._device):
            return [output.numpy() for output in self._predict(dict(arrays))]

    def run_warm(self, arrays: Arrays) -> list[np.ndarray]:
        # Compilation can't be timed by mistake.
        assert arrays["token_ids"].shape in self._warm, "a shape that was not warmed up"
        return self.run(arrays)

    def warm_up(self, arrays: Arrays, count: int) -> None:
        for _ in range(max(1, count)):
            self.run(arrays)
        self._warm.add(arrays["token_ids"].shape)


def list_devices() -> list[tf.config.LogicalDevice]:
    """What predicts: the GPUs, or the CPU where there are none."""
    return tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")


def _copy(source: Model, target: Model) -> None:
    values = named_variables(source)
    for name, variable in named_variables(target).items():
        variable.assign(values[name].value)
