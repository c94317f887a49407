"""Horovod processes: they work together, and fail together with the cause's own words."""

import json
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from components.shared.errors import InputError, TrainingLostError
from components.shared.processes.cpus import count_cpus
from components.shared.processes.launcher import run_as_rank, run_on_processes
from components.shared.processes.termination import Termination
from components.shared.tokens.tokenization import Tokenization
from components.shared.training.settings import TrainingConfig
from tests.waiting import wait_until

DEFAULT_TIMEOUT = TrainingConfig.hang_timeout_seconds


def write_sum_of_ranks(folder: Path) -> None:
    import tensorflow as tf

    from components.shared.processes import distributed

    distributed.initialize(seed=1, precision="float32")
    own = tf.constant([distributed.rank() + 1.0, 10.0])
    (total,) = distributed.sum_over_processes([own])
    rank = distributed.rank()
    told = distributed.tell_all({"from": rank, "é": [None, 0.1, 2**40]})
    gathered = distributed.gather("é" * (rank * 100))
    (folder / f"told-{rank}").write_text(json.dumps([told, gathered]))
    (folder / f"rank-{distributed.rank()}").write_text(str(total.numpy().tolist()))
    cpus = json.dumps(sorted(os.sched_getaffinity(0)))
    (folder / f"cpus-{distributed.rank()}").write_text(cpus)


def fail_on_rank_1(folder: Path) -> None:
    import tensorflow as tf

    from components.shared.processes import distributed

    distributed.initialize(seed=1, precision="float32")
    if distributed.rank() == 1:
        raise InputError("shard-00003: altered")
    distributed.sum_over_processes([tf.constant(1.0)])


def kill_rank_1(folder: Path) -> None:
    import tensorflow as tf

    from components.shared.processes import distributed

    distributed.initialize(seed=1, precision="float32")
    if distributed.rank() == 1:
        (folder / "killed").write_text(str(time.monotonic()))
        os.kill(os.getpid(), signal.SIGKILL)
    distributed.sum_over_processes([tf.constant(1.0)])


def train_until_rank_1(folder: Path, halt) -> None:
    import tensorflow as tf

    from components.shared.processes import distributed
    from components.shared.processes.heartbeat import pulse

    distributed.initialize(seed=1, precision="float32")
    with pulse.in_loop():
        for step in range(1, 5):
            distributed.sum_over_processes([tf.constant(1.0)])
            pulse.update_done(step)
        # The second message from now on begins when the first, with this step, has arrived.
        told = pulse._number + 2
        wait_until(lambda: pulse._number >= told)
        if distributed.rank() == 1:
            halt()
        distributed.sum_over_processes([tf.constant(1.0)])


def stop_rank_1(folder: Path) -> None:
    def stop() -> None:
        (folder / "stopped").write_text(str(time.monotonic()))
        os.kill(os.getpid(), signal.SIGSTOP)

    train_until_rank_1(folder, stop)


def restore_with_folders_of_their_own(folder: Path) -> None:
    from components.shared.processes import distributed
    from components.shared.training.history import History
    from components.shared.training.resuming.checkpoint_store import FolderStates
    from components.shared.training.resuming.step_checkpoints import StepCheckpoints

    distributed.initialize(seed=1, precision="float32")
    own = folder / str(distributed.rank())
    StepCheckpoints(
        FolderStates(own),
        trainer=None,
        history=History([]),
        run={},
        num_kept=2,
        vocabulary=folder,
        tokenization=Tokenization(lowercase=True),
    ).restore_newest()


def fill_the_disk(folder: Path) -> None:
    Path("/dev/full").write_text("x", encoding="utf-8")


def read_for_ever() -> None:
    os.read(os.pipe()[0], 1)


def stop_after_work(folder: Path) -> None:
    """As a process that takes long to free its memory, and can't tell that it runs."""
    from components.shared.processes.heartbeat import publish

    rank = int(os.environ["HOROVOD_RANK"])
    publish(rank)
    time.sleep(2)  # until it is known to run
    (folder / f"rank-{rank}").touch()
    threading.Thread(target=lambda: (time.sleep(1), os.kill(os.getpid(), signal.SIGSTOP))).start()


def block_rank_1(folder: Path) -> None:
    train_until_rank_1(folder, read_for_ever)


@pytest.mark.slow
def test_two_processes_add_up_what_each_has(tmp_path):
    """1 + 2 and 10 + 10, seen by both; each on cores of its own, where there are as many."""
    run_on_processes(
        2,
        write_sum_of_ranks,
        tmp_path,
        hang_timeout_seconds=DEFAULT_TIMEOUT,
        termination=Termination(),
    )

    assert (tmp_path / "rank-0").read_text() == "[3.0, 20.0]"
    assert (tmp_path / "rank-1").read_text() == "[3.0, 20.0]"
    expected = [{"from": 0, "é": [None, 0.1, 2**40]}, ["", "é" * 100]]
    assert [json.loads((tmp_path / f"told-{rank}").read_text()) for rank in (0, 1)] == [
        expected,
        expected,
    ]
    first, second = (set(json.loads((tmp_path / f"cpus-{rank}").read_text())) for rank in (0, 1))
    all_cpus = os.sched_getaffinity(0)
    if 1 < len(all_cpus) == count_cpus():
        assert first | second == all_cpus
        assert not first & second


@pytest.mark.slow
def test_the_rank_that_failed_first_is_heard(tmp_path):
    """Rank 0 fails too, as its peer is gone; the cause was on rank 1."""
    with pytest.raises(InputError) as error:
        run_on_processes(
            2,
            fail_on_rank_1,
            tmp_path,
            hang_timeout_seconds=DEFAULT_TIMEOUT,
            termination=Termination(),
        )

    assert str(error.value) == "shard-00003: altered"


@pytest.mark.slow
def test_a_killed_rank_ends_the_job_within_a_minute(tmp_path):
    """The message names the rank and the signal."""
    with pytest.raises(TrainingLostError, match=r"rank 1 of 2 failed: .*signal 9"):
        run_on_processes(
            2,
            kill_rank_1,
            tmp_path,
            hang_timeout_seconds=DEFAULT_TIMEOUT,
            termination=Termination(),
        )

    assert time.monotonic() - float((tmp_path / "killed").read_text()) < 60


@pytest.mark.slow
def test_a_rank_that_is_stopped_ends_the_job_within_a_minute(tmp_path):
    """With the limit that is set by default; the message names the rank and its step."""
    with pytest.raises(
        TrainingLostError, match=r"rank 1 of 2 failed: it has not run .* heard of at step 4"
    ):
        run_on_processes(
            2,
            stop_rank_1,
            tmp_path,
            hang_timeout_seconds=DEFAULT_TIMEOUT,
            termination=Termination(),
        )

    assert time.monotonic() - float((tmp_path / "stopped").read_text()) < 60


@pytest.mark.slow
def test_a_rank_that_hangs_is_named_with_its_stack(tmp_path):
    """Rank 0, which waits for it, is not to blame."""
    with pytest.raises(TrainingLostError, match=r"rank 1 of 2 failed: it has not moved") as error:
        run_on_processes(
            2, block_rank_1, tmp_path, hang_timeout_seconds=5, termination=Termination()
        )

    assert "in read_for_ever" in str(error.value)


@pytest.mark.slow
def test_a_process_that_is_slow_to_end_after_its_work_has_not_failed(tmp_path, monkeypatch):
    """It isn't taken for one that hangs; after a while it is ended."""
    monkeypatch.setattr("components.shared.processes.launcher._LEAVE_SECONDS", 12.0)
    started = time.monotonic()

    run_on_processes(
        2, stop_after_work, tmp_path, hang_timeout_seconds=5, termination=Termination()
    )

    assert time.monotonic() - started > 12
    assert {path.name for path in tmp_path.iterdir()} == {"rank-0", "rank-1"}


def test_a_full_disk_is_an_error_of_input(tmp_path):
    """A restart would meet it again; not a traceback either."""
    with pytest.raises(InputError, match="^No space left on device; free some there"):
        run_on_processes(
            1,
            fill_the_disk,
            tmp_path,
            hang_timeout_seconds=DEFAULT_TIMEOUT,
            termination=Termination(),
        )


@pytest.mark.slow
def test_a_newer_state_on_another_machine_is_not_passed_by(tmp_path):
    """Rank 0 sees step 5, rank 1 step 10: as where the machines came in another order."""
    (tmp_path / "0" / "step-00000005").mkdir(parents=True)
    (tmp_path / "1" / "step-00000010").mkdir(parents=True)

    with pytest.raises(InputError, match="has step-00000010, .* where rank 0 runs, step-0000"):
        run_on_processes(
            2,
            restore_with_folders_of_their_own,
            tmp_path,
            hang_timeout_seconds=DEFAULT_TIMEOUT,
            termination=Termination(),
        )


def test_a_host_whose_name_is_its_loopback_is_told_so(monkeypatch, tmp_path):
    """Debian's /etc/hosts does that; the others could never reach it."""
    monkeypatch.setenv("HOROVOD_RANK", "0")
    monkeypatch.setenv("HOROVOD_CROSS_SIZE", "2")
    monkeypatch.setattr("socket.gethostname", lambda: "localhost")

    with pytest.raises(InputError, match=r"localhost: this machine's name stands for 127\.0\.0\.1"):
        run_as_rank(Path.touch, tmp_path / "began", hang_timeout_seconds=30)

    assert not (tmp_path / "began").exists()
