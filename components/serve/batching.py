"""Gathers the sequences of several requests into batches of one length."""

import asyncio
import math
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from prometheus_client import Gauge, Histogram

from components.serve.engines import Run
from components.serve.request_errors import BusyError, TooLargeError
from components.shared.bert.sequences import TokenSequence, pad_to, round_length

_BATCH_SIZE = Histogram(
    "bert_batch_size", "Windows or sentences in a batch", buckets=(1, 2, 4, 8, 16, 32, 64, 128)
)
_WAITING = Gauge("bert_queue_length", "Windows or sentences that wait to be computed")
_WAIT = Histogram("bert_queue_seconds", "Time that windows or sentences wait to be computed")


@dataclass(frozen=True)
class _Item:
    sequence: TokenSequence
    result: asyncio.Future[list[np.ndarray]]
    arrived: float


class Batcher:
    """Computes sequences in the order of their arrival, those of like length together."""

    def __init__(
        self, run: Run, *, max_batch: int, max_wait_ms: float, max_queue: int, num_streams: int
    ) -> None:
        """Make a batcher, which starts with its first sequence.

        Args:
            run: computes a batch, in `num_streams` threads at once.
            max_batch: sequences of a batch.
            max_wait_ms: how long a sequence may wait for others of its length.
            max_queue: sequences that may wait.
            num_streams: batches at the same time.
        """
        self._run, self._max_batch = run, max_batch
        self._max_wait_seconds, self._max_queue = max_wait_ms / 1000, max_queue
        self._num_streams = num_streams
        self._threads = ThreadPoolExecutor(num_streams, thread_name_prefix="engine")
        self._length_to_items: dict[int, deque[_Item]] = {}
        self._num_waiting = 0
        self._arrival = asyncio.Event()
        self._workers: list[asyncio.Task[None]] = []
        self._seconds_per_sequence = 0.0

    async def score(self, sequences: Sequence[TokenSequence]) -> list[list[np.ndarray]]:
        """Return each of the model's outputs, sequence by sequence.

        Raises:
            TooLargeError: if there are more sequences than may wait.
            BusyError: if too many are waiting already.
        """
        self._expect_room(len(sequences))
        if not self._workers:
            self._workers = [asyncio.create_task(self._work()) for _ in range(self._num_streams)]
        loop, now = asyncio.get_running_loop(), time.monotonic()
        items = [_Item(sequence, loop.create_future(), now) for sequence in sequences]
        for item in items:
            length = round_length(len(item.sequence.token_ids))
            self._length_to_items.setdefault(length, deque()).append(item)
        self._count(len(items))
        self._arrival.set()
        results = await asyncio.gather(*(item.result for item in items))
        return [list(outputs) for outputs in zip(*results, strict=True)]

    async def close(self) -> None:
        """End; nothing waits any more."""
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        self._threads.shutdown()

    def _expect_room(self, num_new: int) -> None:
        if num_new > self._max_queue:
            raise TooLargeError(
                f"the request has {num_new} windows or sentences, and this server takes "
                f"{self._max_queue}; send shorter texts or fewer at once, or raise the server's "
                "max_queue"
            )
        if self._num_waiting + num_new > self._max_queue:
            seconds = math.ceil(self._num_waiting * self._seconds_per_sequence)
            raise BusyError("too many requests; try again later", retry_seconds=max(1, seconds))

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            length, items = await self._take_batch()
            started = time.monotonic()
            _BATCH_SIZE.observe(len(items))
            for item in items:
                _WAIT.observe(started - item.arrived)
            arrays = pad_to([item.sequence for item in items], length=length)
            try:
                outputs = await loop.run_in_executor(self._threads, self._run, arrays)
            except Exception as error:  # the request's, not the server's end
                for item in items:
                    if not item.result.done():
                        item.result.set_exception(error)
                continue
            # Of the last batches; this one counts a tenth.
            took = (time.monotonic() - started) / len(items) / self._num_streams
            self._seconds_per_sequence += 0.1 * (took - self._seconds_per_sequence)
            for row, item in enumerate(items):
                if not item.result.done():
                    item.result.set_result([output[row] for output in outputs])

    async def _take_batch(self) -> tuple[int, list[_Item]]:
        """Wait for a batch: a full one, or of what has waited long enough."""
        while True:
            self._drop_abandoned()
            timeout = None
            if self._length_to_items:
                by_age = sorted(self._length_to_items.items(), key=lambda pair: pair[1][0].arrived)
                timeout = by_age[0][1][0].arrived + self._max_wait_seconds - time.monotonic()
                full = (pair for pair in by_age if len(pair[1]) >= self._max_batch)
                chosen = by_age[0] if timeout <= 0 else next(full, None)
                if chosen:
                    return chosen[0], self._pop(*chosen)
            self._arrival.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._arrival.wait(), timeout)

    def _pop(self, length: int, waiting: deque[_Item]) -> list[_Item]:
        items = [waiting.popleft() for _ in range(min(self._max_batch, len(waiting)))]
        if not waiting:
            del self._length_to_items[length]
        self._count(-len(items))
        return items

    def _drop_abandoned(self) -> None:
        """Forget the sequences whose request was given up."""
        for length, waiting in list(self._length_to_items.items()):
            while waiting and waiting[0].result.done():
                waiting.popleft()
                self._count(-1)
            if not waiting:
                del self._length_to_items[length]

    def _count(self, change: int) -> None:
        self._num_waiting += change
        _WAITING.inc(change)
