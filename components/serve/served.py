"""A loaded model with its queue and threads."""

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from components.serve.batching import Batcher
from components.serve.config import ServeConfig
from components.serve.engines import Run
from components.serve.tasks.task_protocol import Prediction, Task


class Served:
    """A loaded model that answers requests until it is retired."""

    def __init__(
        self, version: str, task: Task, run: Run, config: ServeConfig, *, num_streams: int
    ) -> None:
        """Start the model's queue and threads.

        Args:
            version: of the model store; "" for a folder.
            task: what it does.
            run: computes a batch, in `num_streams` threads at once.
            config: how it is batched.
            num_streams: batches at the same time.
        """
        self.version, self.task = version, task
        self._batcher = Batcher(
            run,
            max_batch=config.max_batch,
            max_wait_ms=config.max_wait_ms,
            max_queue=config.max_queue,
            num_streams=num_streams,
        )
        # One thread for words and answers: a tokenizer is not to be used by two at once, and
        # the event loop stays free.
        self._text_thread = ThreadPoolExecutor(1, thread_name_prefix="text")
        self._num_requests = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def predict(
        self, instances: Sequence[Any], parameters: Mapping[str, Any]
    ) -> list[Prediction]:
        """Answer a request.

        Raises:
            RequestError: if it is invalid, or too much is waiting.
        """
        loop = asyncio.get_running_loop()
        self._num_requests += 1
        self._idle.clear()
        try:
            start = self.task.start
            job = await loop.run_in_executor(self._text_thread, start, instances, parameters)
            scores = await self._batcher.score(job.sequences)
            return await loop.run_in_executor(self._text_thread, job.finish, scores)
        finally:
            self._num_requests -= 1
            if self._num_requests == 0:
                self._idle.set()

    async def retire(self) -> None:
        """End when the last request is answered; no new one may come."""
        await self._idle.wait()
        await self._batcher.close()
        self._text_thread.shutdown()
