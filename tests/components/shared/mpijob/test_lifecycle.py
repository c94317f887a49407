"""One MPIJob, by Kubernetes's own client, against a server that speaks its API."""

import time

import pytest

from components.shared.errors import (
    JobError,
)
from components.shared.mpijob import lifecycle
from components.shared.processes.termination import Termination
from tests.components.shared.mpijob.fakes.fake_kubernetes import Log
from tests.components.shared.mpijob.runs import NAME, READY, STEP, make_run, start_pods, succeed
from tests.waiting import wait_until


def test_a_job_that_succeeds_is_followed_and_deleted(cluster, capsys):
    """Its launcher's log is this process's."""
    cluster.operator = succeed

    make_run().run(Termination())

    assert capsys.readouterr().out == "step 1\nstep 2\n"
    assert cluster.jobs() == []


def test_the_log_is_passed_on_while_it_is_written(cluster, shown):
    """Line by line: the job goes on when a line has come."""

    def operate(cluster, _job):
        launcher = start_pods(cluster)
        cluster.log(launcher, "one")
        wait_until(lambda: shown.read().out == "one\n")
        cluster.log(launcher, "two")
        wait_until(lambda: shown.read().out == "one\ntwo\n")
        cluster.log(launcher, end=True)
        cluster.set_condition(NAME, "Succeeded")

    cluster.operator = operate

    make_run().run(Termination())

    assert shown.read().out == "one\ntwo\n"


def test_a_log_that_is_cut_resumes_where_it_was(cluster, capsys):
    """No line twice, none lost: twelve, as the times of some have zeros left out."""
    lines = [f"step {number}" for number in range(12)]

    def operate(cluster, _job):
        cluster.logs[f"{NAME}-launcher-0"] = Log(cut_after=11)
        cluster.log(start_pods(cluster), *lines, end=True)
        time.sleep(2.5)
        cluster.set_condition(NAME, "Succeeded")

    cluster.operator = operate

    make_run().run(Termination())

    assert capsys.readouterr().out.splitlines() == lines


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (
            {
                "conditions": [
                    {
                        "type": "PodScheduled",
                        "status": "False",
                        "reason": "Unschedulable",
                        "message": "0/3 nodes are available: 3 Insufficient nvidia.com/gpu.",
                    }
                ]
            },
            "worker-0 and 1 more: Unschedulable: 0/3 nodes are available: 3 Insufficient nvidia",
        ),
        (
            {
                "conditions": [{"type": "PodScheduled", "status": "True"}],
                "containerStatuses": [
                    {
                        "name": "worker",
                        "state": {
                            "waiting": {
                                "reason": "ImagePullBackOff",
                                "message": "Back-off pulling image registry/pretrain",
                            }
                        },
                    }
                ],
            },
            "worker-0 and 1 more: ImagePullBackOff: Back-off pulling image registry/pretrain",
        ),
    ],
)
def test_pods_that_never_start_end_at_the_deadline(cluster, status, reason):
    """It says what they wait for, and the job goes."""

    def operate(cluster, _job):
        for number in range(2):
            cluster.put_pod(NAME, "worker", number, phase="Pending", **status)

    cluster.operator = operate

    with pytest.raises(JobError, match="did not start within 1 s") as caught:
        make_run(pending_timeout_seconds=1).run(Termination())

    assert reason in str(caught.value)
    assert cluster.jobs() == []


def test_fetching_the_inputs_is_not_waiting(cluster):
    """It may take longer than the deadline of pods that wait."""

    def operate(cluster, job):
        fetching = [{"name": "fetch", "state": {"running": {}}}]
        cluster.put_pod(NAME, "worker", 0, phase="Pending", initContainerStatuses=fetching)
        time.sleep(2.5)
        succeed(cluster, job)

    cluster.operator = operate

    make_run(pending_timeout_seconds=1).run(Termination())


def test_no_pods_at_all_are_the_operator_s_fault(cluster):
    """Where it does not run, nothing ever happens."""
    with pytest.raises(JobError, match="mpi-operator has made no pods"):
        make_run(pending_timeout_seconds=1).run(Termination())


def test_the_jobs_of_earlier_tries_go_first(cluster, capsys):
    """Never two at once; each has a name of its own."""
    older = make_run(f"{STEP}-older")
    cluster.create("mpijobs", older._body)
    cluster.operator = succeed

    make_run().run(Termination())

    done = [request for request in cluster.requests if request[1] == "mpijobs"]
    assert done.index(("delete", "mpijobs")) < done.index(("create", "mpijobs"))
    assert f"{STEP}-older of an earlier try is there: deleting it" in capsys.readouterr().err
    assert cluster.jobs() == []


def test_a_silent_node_does_not_hold_the_next_job(cluster, capsys, monkeypatch):
    """Its pods' end is never confirmed, so the job that had them stays in deletion."""
    monkeypatch.setattr(lifecycle, "_CLEAR_SECONDS", 1.0)
    cluster.create("mpijobs", make_run(f"{STEP}-older")._body)
    cluster.silent = {cluster.put_pod(f"{STEP}-older", "worker", 1, **READY)}
    cluster.operator = succeed

    make_run().run(Termination())

    words = f"not waiting for {STEP}-older-worker-1: the nodes don't confirm their end"
    assert words in capsys.readouterr().err


def test_workers_that_may_still_train_are_waited_for(cluster, monkeypatch):
    """All are there, on nodes that only the cluster doesn't hear of."""
    monkeypatch.setattr(lifecycle, "_CLEAR_SECONDS", 1.0)
    name = f"{STEP}-older"
    cluster.create("mpijobs", make_run(name)._body)
    cluster.silent = {cluster.put_pod(name, "worker", number, **READY) for number in range(2)}

    with pytest.raises(JobError, match=f"the MPIJob {name} of an earlier try is still there"):
        make_run().run(Termination())


def test_an_earlier_job_that_still_runs_is_an_error(cluster, monkeypatch):
    """Its pods could write the same checkpoints."""
    monkeypatch.setattr(lifecycle, "_CLEAR_SECONDS", 1.0)
    monkeypatch.setattr(cluster, "_end_pod", lambda name: None)
    cluster.create("mpijobs", make_run(f"{STEP}-older")._body)
    cluster.put_pod(f"{STEP}-older", "worker", 1, **READY)

    with pytest.raises(JobError, match=f"the MPIJob {STEP}-older of an earlier try is still there"):
        make_run().run(Termination())


def test_only_the_job_s_pods_reach_one_another(cluster):
    """By a policy that is there before the job, and goes after it."""
    cluster.operator = succeed

    make_run().run(Termination())

    policy, job = cluster.created
    pods = {"matchLabels": {"training.kubeflow.org/job-name": job["metadata"]["name"]}}
    assert policy["spec"] == {
        "podSelector": pods,
        "policyTypes": ["Ingress"],
        "ingress": [{"from": [{"podSelector": pods}]}],
    }
    assert policy["metadata"]["ownerReferences"] == job["metadata"]["ownerReferences"]
    assert cluster.get("networkpolicies", NAME) is None
