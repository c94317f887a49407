"""Sequences of several requests are computed together, in few batches, and none is lost."""

import asyncio
import threading

import numpy as np
import pytest

from components.serve.batching import Batcher
from components.serve.request_errors import BusyError, TooLargeError
from components.shared.classification.features import Features


def make_sequences(*lengths):
    return [Features([7] * length, length) for length in lengths]


class Engine:
    """Gives each row its sum; runs when it may, and notes the shapes that it ran."""

    def __init__(self):
        self.shapes = []
        self.may_run = threading.Event()
        self.may_run.set()

    def run(self, arrays):
        self.may_run.wait(10)
        self.shapes.append(arrays["token_ids"].shape)
        return [arrays["token_ids"].sum(axis=1, dtype=np.int64)]


def make_batcher(engine, **settings):
    usual = {"max_batch": 4, "max_wait_ms": 20, "max_queue": 100, "num_streams": 1}
    return Batcher(engine.run, **{**usual, **settings})


def test_requests_share_batches_of_their_length():
    """Each gets the scores of its own sequences, in its order."""
    engine = Engine()

    async def ask():
        batcher = make_batcher(engine)
        scores = await asyncio.gather(
            batcher.score(make_sequences(3, 40, 5)),
            batcher.score(make_sequences(41)),
            batcher.score(make_sequences(6, 7)),
        )
        await batcher.close()
        return scores

    assert asyncio.run(ask()) == [[[21, 280, 35]], [[287]], [[42, 49]]]
    assert sorted(engine.shapes) == [(2, 48), (4, 16)]


def test_a_single_request_does_not_wait_for_long():
    """It is computed alone after max_wait_ms."""
    engine = Engine()

    async def ask():
        batcher = make_batcher(engine, max_wait_ms=1)
        return await asyncio.wait_for(batcher.score(make_sequences(3)), 5)

    assert asyncio.run(ask()) == [[21]]


def test_a_full_queue_rejects_with_a_time_to_come_back():
    """What waits already is answered all the same."""
    engine = Engine()

    async def ask():
        batcher = make_batcher(engine, max_batch=1, max_queue=2)
        engine.may_run.clear()
        first = asyncio.create_task(batcher.score(make_sequences(3)))
        await asyncio.sleep(0.1)  # it is with the engine, not in the queue
        second = asyncio.create_task(batcher.score(make_sequences(4, 5)))
        await asyncio.sleep(0)
        with pytest.raises(BusyError) as caught:
            await batcher.score(make_sequences(6))
        engine.may_run.set()
        return caught.value, await first, await second

    error, first, second = asyncio.run(ask())
    assert error.http_status == 429
    assert int(error.headers["retry-after"]) >= 1
    assert (first, second) == ([[21]], [[28, 35]])


def test_a_request_of_more_than_may_wait_is_too_large():
    """No later time would do."""

    async def ask():
        await make_batcher(Engine(), max_queue=2).score(make_sequences(1, 2, 3))

    with pytest.raises(TooLargeError, match="3 windows or sentences, and this server takes 2"):
        asyncio.run(ask())


def test_what_nobody_waits_for_is_not_computed():
    """A request that was given up takes no turn of others."""
    engine = Engine()

    async def ask():
        batcher = make_batcher(engine, max_batch=1)
        engine.may_run.clear()
        first = asyncio.create_task(batcher.score(make_sequences(3)))
        await asyncio.sleep(0.1)
        given_up = asyncio.create_task(batcher.score(make_sequences(40, 41)))
        await asyncio.sleep(0)
        given_up.cancel()
        third = asyncio.create_task(batcher.score(make_sequences(100)))
        await asyncio.sleep(0)
        engine.may_run.set()
        return await first, await third

    assert asyncio.run(ask()) == ([[21]], [[700]])
    assert engine.shapes == [(1, 16), (1, 128)]


def test_a_failure_is_of_its_batch_alone():
    """The next one is computed."""

    class Broken(Engine):
        def run(self, arrays):
            outputs = super().run(arrays)
            if len(self.shapes) == 1:
                raise RuntimeError("broken")
            return outputs

    async def ask():
        batcher = make_batcher(Broken(), max_wait_ms=0)
        with pytest.raises(RuntimeError, match="broken"):
            await batcher.score(make_sequences(3))
        return await batcher.score(make_sequences(4))

    assert asyncio.run(ask()) == [[28]]
