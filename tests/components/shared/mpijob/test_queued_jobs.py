"""A job in a queue of Kueue."""

import time

import pytest

from components.shared.errors import (
    JobError,
)
from components.shared.mpijob import lifecycle
from components.shared.mpijob.worker_pod import WorkerPod
from components.shared.processes.termination import Termination
from tests.components.shared.mpijob.runs import NAME, READY, make_run, start_pods, succeed
from tests.waiting import wait_until

QUEUED = WorkerPod(queueName="team-a", queuePriorityClass="high")


def test_a_queued_job_waits_as_long_as_the_queue_lets_it(cluster, capsys):
    """Longer than pods may wait, which counts from the job's admission."""

    def operate(cluster, job):
        time.sleep(2.5)
        cluster.queue(NAME, suspended=False)
        succeed(cluster, job)

    cluster.has_kueue, cluster.operator = True, operate

    make_run(pending_timeout_seconds=1, worker_pod=QUEUED).run(Termination())

    assert f"MPIJob {NAME} is queued in team-a" in capsys.readouterr().err


def test_after_its_admission_a_job_s_pods_have_the_deadline(cluster):
    """They have been admitted, and no node takes them."""

    def operate(cluster, _job):
        time.sleep(1)
        cluster.queue(NAME, suspended=False)
        cluster.put_pod(NAME, "worker", 0, phase="Pending")

    cluster.has_kueue, cluster.operator = True, operate

    with pytest.raises(JobError, match="did not start within 1 s"):
        make_run(pending_timeout_seconds=1, worker_pod=QUEUED).run(Termination())


def test_a_job_whose_place_is_taken_back_resumes_later(cluster, shown, monkeypatch):
    """Its pods end, which is no failure; the launcher's new pod has a log of its own."""
    monkeypatch.setattr(lifecycle, "_GRACE_SECONDS", 0.5)

    def operate(cluster, _job):
        wait_until(lambda: shown.read().err.count("is queued in team-a") == 1)
        cluster.queue(NAME, suspended=False)
        cluster.log(start_pods(cluster), "step 1", end=True)
        wait_until(lambda: shown.read().out == "step 1\n")
        cluster.queue(NAME, suspended=True)
        wait_until(lambda: shown.read().err.count("is queued in team-a") == 2)
        time.sleep(1.5)  # longer than the grace
        cluster.queue(NAME, suspended=False)
        for number in range(2):
            cluster.put_pod(NAME, "worker", number, **READY)
        again = cluster.put_pod(NAME, "launcher", 1, **READY)
        cluster.log(again, "resumed from step 1", "step 2", end=True)
        wait_until(lambda: shown.read().out.endswith("step 2\n"))
        cluster.set_condition(NAME, "Succeeded")

    cluster.has_kueue, cluster.operator = True, operate

    make_run(worker_pod=QUEUED).run(Termination())

    assert shown.read().out.splitlines() == ["step 1", "resumed from step 1", "step 2"]
    assert shown.err.count("is queued in team-a") == 2
