"""Micro-batches, prepared while others train."""

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

_BATCHES_AHEAD = 4


@dataclass(frozen=True)
class MicroBatch:
    """What one process runs forward and backward at once."""

    arrays: dict[str, np.ndarray]
    """The model's inputs and targets."""
    counts: dict[str, float]
    """How many items each loss is summed over; the key is the loss's name."""
    num_sequences: int
    num_tokens: int
    """Real tokens, without padding."""
    num_positions: int
    """With padding."""


@contextmanager
def prefetch(
    make: Callable[[int], Sequence[MicroBatch]], steps: range
) -> Iterator[Iterator[Sequence[MicroBatch]]]:
    """Prepare the batches of the next steps in a thread while the current one trains."""
    ready: queue.Queue[Any] = queue.Queue(maxsize=_BATCHES_AHEAD)
    stop = threading.Event()

    def put(item: Any) -> None:
        while not stop.is_set():
            try:
                ready.put(item, timeout=0.2)
                return
            except queue.Full:
                continue

    def fill() -> None:
        try:
            for step in steps:
                if stop.is_set():
                    return
                put(make(step))
        except BaseException as error:  # raised again where the batch is taken
            put(error)

    def take() -> Iterator[Sequence[MicroBatch]]:
        for _ in steps:
            item = ready.get()
            if isinstance(item, BaseException):
                raise item
            yield item

    thread = threading.Thread(target=fill, name="batches", daemon=True)
    thread.start()
    try:
        yield take()
    finally:
        stop.set()
        thread.join()
