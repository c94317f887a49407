"""MPIJobs made anew, by Kubernetes's own client, against a server that speaks its API."""

import itertools
import os
import signal
import threading

import pytest

from components.shared.errors import DivergedError, InputError, Preempted, TrainingLostError
from components.shared.processes.supervisor import supervise
from tests.components.shared.mpijob.runs import STEP, make_run, start_pods, succeed


@pytest.fixture
def run_until_done():
    """Restart as a stage does, without a pause and without a checkpoint that gets further."""

    def run(max_restarts: int) -> None:
        names = (f"{STEP}-{number}" for number in itertools.count())
        supervise(
            lambda termination: make_run(next(names)).run(termination),
            label="pretrain-128",
            max_restarts=max_restarts,
            find_newest_step=lambda: 7,
            first_wait_seconds=0.01,
        )

    return run


def end_by(status: int, line: str):
    """A launcher that prints a line and ends with a status."""

    def operate(cluster, job):
        name = job["metadata"]["name"]
        launcher = start_pods(cluster, name)
        cluster.log(launcher, line, end=True)
        ended = {"exitCode": status, "reason": "Error"}
        statuses = [{"name": "launcher", "state": {"terminated": ended}}]
        cluster.put_pod(name, "launcher", phase="Failed", containerStatuses=statuses)
        cluster.set_condition(name, "Failed", "BackoffLimitExceeded", "Job has failed")

    return operate


def jobs_of(cluster) -> list[str]:
    return [item["metadata"]["name"] for item in cluster.created if item["kind"] == "MPIJob"]


@pytest.mark.parametrize(
    ("status", "line", "cause"),
    [
        (143, "pretrain: ended by SIGTERM at step 7", "ended by SIGTERM at step 7"),
        (137, "rank 1 exited on signal 9", "launcher-0 (launcher): Error, exit status 137"),
        (1, "ORTE has lost communication", "failed: BackoffLimitExceeded: Job has failed"),
    ],
)
def test_a_job_that_was_lost_is_made_anew(cluster, run_until_done, capsys, status, line, cause):
    """With the reason on stderr; the second job succeeds."""
    operators = iter([end_by(status, line), succeed])

    def operate(cluster, job):
        next(operators)(cluster, job)

    cluster.operator = operate

    run_until_done(3)

    assert jobs_of(cluster) == [f"{STEP}-0", f"{STEP}-1"]
    (told,) = (said for said in capsys.readouterr().err.splitlines() if "restart 1 of 3" in said)
    assert cause in told


def test_the_last_restart_s_failure_is_the_step_s(cluster, run_until_done):
    """Bounded: the first job and two more."""
    cluster.operator = end_by(1, "mpirun lost a daemon")

    with pytest.raises(TrainingLostError, match="mpirun lost a daemon"):
        run_until_done(2)

    assert len(jobs_of(cluster)) == 3


@pytest.mark.parametrize(
    ("status", "error", "line"),
    [(2, InputError, "vocab.txt: no [MASK]"), (1, DivergedError, "the loss is not finite")],
)
def test_an_error_that_would_come_again_makes_no_new_job(
    cluster, run_until_done, status, error, line
):
    """As on one node."""
    cluster.operator = end_by(status, f"pretrain: error: {line}")

    with pytest.raises(error) as caught:
        run_until_done(3)

    assert str(caught.value) == line
    assert len(jobs_of(cluster)) == 1


def test_a_step_that_is_asked_to_end_makes_no_new_job(cluster, run_until_done):
    """Kubernetes's SIGTERM: the job is deleted, and the step says what happened."""

    def operate(cluster, job):
        start_pods(cluster, job["metadata"]["name"])
        threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGTERM)).start()

    cluster.operator = operate

    with pytest.raises(Preempted, match="ended by SIGTERM; its MPIJob is deleted"):
        run_until_done(3)

    assert len(jobs_of(cluster)) == 1
    assert cluster.jobs() == []
