"""A job that fails before its training ends: the error names the pod and the reason."""

import time

import pytest

from components.shared.errors import (
    DivergedError,
    InputError,
    JobError,
    Preempted,
    TrainingLostError,
)
from components.shared.mpijob import lifecycle
from components.shared.processes.termination import Termination
from tests.components.shared.mpijob.runs import NAME, make_run, start_pods, wait_for_watches


def test_a_failure_names_the_pod_and_the_reason(cluster):
    """The job's condition, the pod that ran out of memory, and the log's last lines."""

    def operate(cluster, _job):
        launcher = start_pods(cluster)
        killed = {"exitCode": 137, "reason": "OOMKilled"}
        statuses = [{"name": "worker", "state": {"terminated": killed}}]
        cluster.put_pod(NAME, "worker", 1, phase="Failed", containerStatuses=statuses)
        cluster.log(launcher, "step 7", "mpirun lost a daemon", end=True)
        cluster.set_condition(NAME, "Failed", "BackoffLimitExceeded", "Job has failed")

    cluster.operator = operate

    with pytest.raises(TrainingLostError) as caught:
        make_run().run(Termination())

    message = str(caught.value)
    assert f"MPIJob {NAME} failed: BackoffLimitExceeded: Job has failed" in message
    assert f"{NAME}-worker-1 (worker): OOMKilled, exit status 137" in message
    assert message.endswith("  step 7\n  mpirun lost a daemon")
    assert cluster.jobs() == []


@pytest.mark.parametrize(
    ("status", "line", "error"),
    [
        (
            2,
            "pretrain: error: /s3/b/vocab.txt: no [MASK]",
            InputError("/s3/b/vocab.txt: no [MASK]"),
        ),
        (1, "pretrain: error: the loss is NaN", DivergedError("the loss is NaN")),
        (143, "pretrain: ended by SIGTERM at step 3", Preempted("ended by SIGTERM at step 3")),
    ],
)
def test_the_training_s_own_error_is_the_step_s(cluster, status, line, error):
    """As on one node: the same kind, the same words."""

    def operate(cluster, _job):
        launcher = start_pods(cluster)
        ended = {"exitCode": status, "reason": "Error"}
        statuses = [{"name": "launcher", "state": {"terminated": ended}}]
        other = "pretrain: error: another process ended while this one waited for it"
        cluster.log(launcher, other, line, "mpirun says more", end=True)
        cluster.put_pod(NAME, "launcher", phase="Failed", containerStatuses=statuses)
        cluster.set_condition(NAME, "Failed", "BackoffLimitExceeded", "Job has failed")

    cluster.operator = operate

    with pytest.raises(type(error)) as caught:
        make_run().run(Termination())

    assert str(caught.value) == str(error)


def test_inputs_that_a_worker_can_t_fetch_end_the_job(cluster):
    """The operator would wait for that worker for ever."""

    def operate(cluster, _job):
        ended = {"exitCode": 2, "message": "fetch: error: s3://bucket/dataset: no such object\n"}
        statuses = [{"name": "fetch", "state": {"terminated": ended}}]
        cluster.put_pod(NAME, "worker", 0, phase="Failed", initContainerStatuses=statuses)

    cluster.operator = operate

    with pytest.raises(InputError, match="s3://bucket/dataset: no such object"):
        make_run().run(Termination())
    assert cluster.jobs() == []


@pytest.mark.parametrize("operator_comes_first", [True, False])
def test_a_worker_that_vanishes_is_told(cluster, monkeypatch, operator_comes_first):
    """Its node is gone: the operator makes another pod of its name, and mpirun may just hang."""
    monkeypatch.setattr(lifecycle, "_LEAVE_SECONDS", 1.0)

    def operate(cluster, _job):
        start_pods(cluster)
        time.sleep(1.5)
        cluster.lose_pod(f"{NAME}-worker-1")
        if operator_comes_first:
            cluster.put_pod(NAME, "worker", 1, phase="Pending")

    cluster.operator = operate

    with pytest.raises(TrainingLostError, match=f"{NAME}-worker-1 was deleted while it ran"):
        make_run().run(Termination())
    assert cluster.jobs() == []


def test_a_worker_whose_node_is_drained_is_told(cluster, monkeypatch):
    """With the cluster's reason for it, and the training's own last words."""
    monkeypatch.setattr(lifecycle, "_LEAVE_SECONDS", 1.0)
    disrupted = {
        "type": "DisruptionTarget",
        "status": "True",
        "reason": "PreemptionByScheduler",
        "message": "preempting to accommodate a higher priority pod",
    }

    def operate(cluster, _job):
        start_pods(cluster)
        time.sleep(1.5)
        cluster.put_pod(NAME, "worker", 0, phase="Running", conditions=[disrupted])

    cluster.operator = operate

    with pytest.raises(TrainingLostError) as caught:
        make_run().run(Termination())

    words = "PreemptionByScheduler: preempting to accommodate a higher priority pod"
    assert f"{NAME}-worker-0 is being ended: {words}" in str(caught.value)


def test_an_evicted_worker_is_told(cluster):
    """mpi-operator gives the job the reason MPIJobEvicted."""

    def operate(cluster, _job):
        start_pods(cluster)
        evicted = {"phase": "Failed", "reason": "Evicted", "message": "low on ephemeral-storage"}
        cluster.put_pod(NAME, "worker", 1, **evicted)
        cluster.set_condition(NAME, "Failed", "MPIJobEvicted", "1/2 workers are evicted")

    cluster.operator = operate

    with pytest.raises(TrainingLostError) as caught:
        make_run().run(Termination())

    assert "MPIJobEvicted: 1/2 workers are evicted" in str(caught.value)
    assert f"{NAME}-worker-1: Evicted: low on ephemeral-storage" in str(caught.value)


def test_a_job_that_ran_too_long_is_not_made_anew(cluster):
    """Kubernetes's reason for its end says so."""

    def operate(cluster, _job):
        words = "Job was active longer than specified deadline"
        cluster.set_condition(NAME, "Failed", "DeadlineExceeded", words)

    cluster.operator = operate

    with pytest.raises(JobError, match="DeadlineExceeded: Job was active longer"):
        make_run().run(Termination())


def test_a_job_that_someone_else_deletes_is_an_error(cluster):
    """Not a wait without end."""

    def operate(cluster, _job):
        start_pods(cluster)
        wait_for_watches(cluster)
        cluster.delete("mpijobs", NAME, {})

    cluster.operator = operate

    with pytest.raises(JobError, match="was deleted, not by this step"):
        make_run().run(Termination())
