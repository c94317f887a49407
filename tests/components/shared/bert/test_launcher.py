"""Horovod processes: they work together, and fail together with the cause's own words."""

import os
import signal
import time
from pathlib import Path

import pytest

from components.shared.bert.launcher import run_on_processes
from components.shared.errors import InputError


def write_sum_of_ranks(folder: Path) -> None:
    import tensorflow as tf

    from components.shared.bert import distributed

    distributed.initialize(seed=1, precision="float32")
    own = tf.constant([distributed.rank() + 1.0, 10.0])
    (total,) = distributed.sum_over_processes([own])
    (folder / f"rank-{distributed.rank()}").write_text(str(total.numpy().tolist()))


def fail_on_rank_1(folder: Path) -> None:
    import tensorflow as tf

    from components.shared.bert import distributed

    distributed.initialize(seed=1, precision="float32")
    if distributed.rank() == 1:
        raise InputError("shard-00003: altered")
    distributed.sum_over_processes([tf.constant(1.0)])


def kill_rank_1(folder: Path) -> None:
    import tensorflow as tf

    from components.shared.bert import distributed

    distributed.initialize(seed=1, precision="float32")
    if distributed.rank() == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    distributed.sum_over_processes([tf.constant(1.0)])


@pytest.mark.slow
def test_two_processes_add_up_what_each_has(tmp_path):
    """1 + 2 and 10 + 10, seen by both."""
    run_on_processes(2, write_sum_of_ranks, tmp_path, hang_timeout_seconds=30)

    assert (tmp_path / "rank-0").read_text() == "[3.0, 20.0]"
    assert (tmp_path / "rank-1").read_text() == "[3.0, 20.0]"


@pytest.mark.slow
def test_the_rank_that_failed_first_is_heard(tmp_path):
    """Rank 0 fails too, as its peer is gone; the cause was on rank 1."""
    with pytest.raises(InputError) as error:
        run_on_processes(2, fail_on_rank_1, tmp_path, hang_timeout_seconds=30)

    assert str(error.value) == "shard-00003: altered"


@pytest.mark.slow
def test_a_killed_rank_ends_the_job_within_a_minute(tmp_path):
    """The message names the rank and the signal."""
    started = time.monotonic()

    with pytest.raises(RuntimeError, match=r"rank 1 of 2 failed:\n.*signal 9"):
        run_on_processes(2, kill_rank_1, tmp_path, hang_timeout_seconds=30)

    assert time.monotonic() - started < 60
