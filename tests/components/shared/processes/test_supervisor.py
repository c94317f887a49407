"""Trainings that die are restarted, with real processes; those that can't succeed are not."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from components.shared.errors import (
    DivergedError,
    InputError,
    Preempted,
    TrainingLostError,
    UnreachableError,
)
from components.shared.processes.launcher import run_on_processes
from components.shared.processes.supervisor import supervise


def start_attempt(folder: Path) -> int:
    """Return the number of this attempt, from 1."""
    number = len(list(folder.glob("attempt-*"))) + 1
    (folder / f"attempt-{number}").touch()
    return number


def save_step(folder: Path, step: int) -> None:
    (folder / "newest").write_text(str(step))


def find_newest_step(folder: Path) -> int:
    newest = folder / "newest"
    return int(newest.read_text()) if newest.exists() else 0


def die_in_three_ways(folder: Path) -> None:
    attempt = start_attempt(folder)
    if attempt == 1:
        save_step(folder, 20)
        os.kill(os.getpid(), signal.SIGKILL)
    if attempt == 2:
        os._exit(137)
    if attempt == 3:
        raise ConnectionError("the bucket is gone")


def die_at_each_checkpoint(folder: Path) -> None:
    attempt = start_attempt(folder)
    save_step(folder, 10 * attempt)
    if attempt < 5:
        os._exit(1)


def die_always(folder: Path) -> None:
    start_attempt(folder)
    os._exit(1)


def refuse_input(folder: Path) -> None:
    start_attempt(folder)
    raise InputError("shard-00003: altered")


def diverge(folder: Path) -> None:
    start_attempt(folder)
    raise DivergedError("the loss is nan at step 7")


def be_preempted_once(folder: Path) -> None:
    if start_attempt(folder) == 1:
        raise Preempted("ended by SIGTERM at step 30 of 60, which is saved")


def be_out_of_reach_once(folder: Path) -> None:
    if start_attempt(folder) == 1:
        raise UnreachableError("s3://data/run: the server fails")


def ask_to_end_and_wait(folder: Path) -> None:
    start_attempt(folder)
    asked = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: asked.set())
    os.kill(os.getppid(), signal.SIGTERM)
    assert asked.wait(30)
    raise Preempted("ended by SIGTERM at step 30 of 60, which is saved")


def run(work, folder: Path, *, max_restarts: int = 3, first_wait_seconds: float = 0.01) -> None:
    supervise(
        lambda termination: run_on_processes(
            1, work, folder, hang_timeout_seconds=30, termination=termination
        ),
        label="example",
        max_restarts=max_restarts,
        find_newest_step=lambda: find_newest_step(folder),
        first_wait_seconds=first_wait_seconds,
    )


def count_attempts(folder: Path) -> int:
    return len(list(folder.glob("attempt-*")))


@pytest.mark.slow
def test_a_training_that_dies_is_restarted_and_each_restart_says_why(tmp_path, capfd):
    """Killed, with an exit status, and with an error that may pass."""
    run(die_in_three_ways, tmp_path, first_wait_seconds=0.2)

    assert capfd.readouterr().err.splitlines() == [
        "example: the training failed: the process ended with signal 9 and no error of its own "
        "(out of memory?); restart 1 of 3 from step 20 in 0.2 s",
        "example: the training failed: the process ended with exit status 137 and no error of its "
        "own (out of memory?); restart 2 of 3 from step 20 in 0.4 s",
        "example: the training failed: ConnectionError: the bucket is gone; restart 3 of 3 from "
        "step 20 in 0.8 s",
    ]


@pytest.mark.slow
def test_a_newer_checkpoint_gives_the_restarts_back(tmp_path):
    """What gets further each time may die any number of times."""
    run(die_at_each_checkpoint, tmp_path, max_restarts=1)

    assert count_attempts(tmp_path) == 5


@pytest.mark.slow
def test_restarts_in_vain_end_with_the_error_and_their_number(tmp_path):
    """Two restarts, three attempts."""
    with pytest.raises(TrainingLostError) as error:
        run(die_always, tmp_path, max_restarts=2)

    assert str(error.value).splitlines() == [
        "the training failed: the process ended with exit status 1 and no error of its own",
        "not restarted again: max_restarts 2 in a row have not reached a newer checkpoint",
    ]
    assert count_attempts(tmp_path) == 3


@pytest.mark.slow
@pytest.mark.parametrize(("work", "error"), [(refuse_input, InputError), (diverge, DivergedError)])
def test_what_a_restart_would_meet_again_is_raised_at_once(tmp_path, work, error):
    """Bad input, and a loss that is not a number."""
    with pytest.raises(error):
        run(work, tmp_path)

    assert count_attempts(tmp_path) == 1


@pytest.mark.slow
def test_without_restarts_the_first_failure_is_the_end(tmp_path):
    """max_restarts 0."""
    with pytest.raises(TrainingLostError, match=r"exit status 1 and no error of its own$"):
        run(die_always, tmp_path, max_restarts=0)

    assert count_attempts(tmp_path) == 1


@pytest.mark.slow
@pytest.mark.parametrize("work", [be_preempted_once, be_out_of_reach_once])
def test_a_training_that_was_ended_alone_or_lost_its_bucket_is_restarted(tmp_path, work):
    """Nobody asked the step to end; the store's server may be back."""
    run(work, tmp_path)

    assert count_attempts(tmp_path) == 2


@pytest.mark.slow
def test_a_sigterm_to_the_step_reaches_the_training_and_ends_both(tmp_path):
    """It saves its state; nothing is restarted."""
    with pytest.raises(Preempted, match="at step 30 of 60"):
        run(ask_to_end_and_wait, tmp_path)

    assert count_attempts(tmp_path) == 1


@pytest.mark.slow
def test_a_sigterm_between_two_tries_ends_the_step(tmp_path):
    """It does not wait for the next try."""
    started = time.monotonic()

    def ask_once_the_first_has_died() -> None:
        while not count_attempts(tmp_path):
            time.sleep(0.01)
        time.sleep(3)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=ask_once_the_first_has_died, daemon=True).start()
    with pytest.raises(Preempted, match="between two tries"):
        run(die_always, tmp_path, first_wait_seconds=300)

    assert time.monotonic() - started < 60
