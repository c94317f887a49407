"""Copies of a model, one for each of the machine's devices, that share a series of batches."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from components.shared.parallel import run_in_threads

Arrays = Mapping[str, np.ndarray]
"""int32 [batch, length] token_ids and segment_ids."""
Compute = Callable[[Arrays], list[np.ndarray]]
"""Computes a batch on one device: float32 [batch, length] start and end logits, or [batch, labels]
logits."""

_LONGEST_BATCH_SECONDS = 60.0


@dataclass(frozen=True)
class Timings:
    """How long a series of batches took."""

    latencies: list[float]
    """Seconds from each batch's sequences to its outputs, on one device, the others at work."""
    seconds: float
    """By the clock on the wall, over all devices."""


class Replicas:
    """A model on each device, with a thread for each."""

    def __init__(self, computes: Sequence[Compute]) -> None:
        """Take the model of each device."""
        self._replicas = [_Replica(compute) for compute in computes]

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
        self._share(num_batches, lambda replica, number: replica.compute(make(number)), take)

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
        # Each holds one while it computes: a thread that is in a library's code when the
        # interpreter ends would abort the process.
        at_work = [threading.Lock() for _ in self._replicas]

        def attempt(replica: "_Replica", busy: threading.Lock) -> Exception | None:
            try:
                with busy:
                    work(replica, stop)
            except Exception as error:  # raised below: what comes next has the devices alone
                stop.set()
                return error
            return None

        tasks = [partial(attempt, *both) for both in zip(self._replicas, at_work, strict=True)]
        try:
            # With an event of its own: by `stop`, a task that has not begun never would, and its
            # result would be waited for.
            errors = run_in_threads(tasks, num_threads=len(tasks), stop=threading.Event())
        finally:
            stop.set()  # for Ctrl-C
            for busy in at_work:
                busy.acquire(timeout=_LONGEST_BATCH_SECONDS)
        for error in errors:
            if error is not None:
                raise error


class _Replica:
    """The model on one device, and the shapes that it has run."""

    def __init__(self, compute: Compute) -> None:
        self.compute = compute
        self._warm: set[tuple[int, ...]] = set()

    def run_warm(self, arrays: Arrays) -> list[np.ndarray]:
        # Compilation can't be timed by mistake.
        assert arrays["token_ids"].shape in self._warm, "a shape that was not warmed up"
        return self.compute(arrays)

    def warm_up(self, arrays: Arrays, count: int) -> None:
        for _ in range(max(1, count)):
            self.compute(arrays)
        self._warm.add(arrays["token_ids"].shape)
