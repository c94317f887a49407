"""One MPIJob, by Kubernetes's own client, against a server that speaks its API."""

import time

import pytest

from components.shared.errors import (
    DivergedError,
    InputError,
    JobError,
    Preempted,
    TrainingLostError,
)
from components.shared.mpijob import kubernetes_api, lifecycle
from components.shared.mpijob.worker_pod import WorkerPod
from components.shared.processes.termination import Termination
from tests.components.shared.mpijob.fake_kubernetes import Log
from tests.components.shared.mpijob.runs import NAME, READY, STEP, make_run, start_pods, succeed
from tests.waiting import wait_until


class Shown:
    """What the step has printed so far."""

    def __init__(self, capsys):
        self._capsys, self.out, self.err = capsys, "", ""

    def read(self):
        captured = self._capsys.readouterr()
        self.out += captured.out
        self.err += captured.err
        return self


@pytest.fixture
def shown(capsys) -> Shown:
    return Shown(capsys)


def wait_for_watches(cluster):
    """Return when the job and its pods are watched: what is there already has been seen."""
    wait_until(lambda: {("watch", "mpijobs"), ("watch", "pods")} <= set(cluster.requests))


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


def test_a_log_that_is_cut_goes_on_where_it_was(cluster, capsys):
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


def test_a_watch_that_is_cut_is_resumed(cluster, capsys):
    """Within a line, both of them; and the server is away for a moment."""

    def operate(cluster, _job):
        wait_for_watches(cluster)
        launcher = start_pods(cluster)
        cluster.unavailable = 3
        wait_until(lambda: not cluster.unavailable)
        cluster.log(launcher, "step 1", end=True)
        cluster.set_condition(NAME, "Succeeded")

    cluster.cut_watches, cluster.operator = 4, operate

    make_run().run(Termination())

    assert capsys.readouterr().out == "step 1\n"
    assert cluster.cut_watches == 0


def test_a_version_that_is_gone_is_listed_anew(cluster):
    """410: what happened meanwhile is found in the list."""

    def operate(cluster, job):
        wait_for_watches(cluster)
        with cluster._changed:  # nothing is sent between the change and its forgetting
            succeed(cluster, job)
            cluster.forget()

    cluster.operator = operate

    make_run().run(Termination())

    assert cluster.requests.count(("list", "mpijobs")) > 1


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

    with pytest.raises(JobError, match=f"the MPIJob {name} of an earlier try has not gone"):
        make_run().run(Termination())


def test_an_earlier_job_that_still_runs_is_an_error(cluster, monkeypatch):
    """Its pods could write the same checkpoints."""
    monkeypatch.setattr(lifecycle, "_CLEAR_SECONDS", 1.0)
    monkeypatch.setattr(cluster, "_end_pod", lambda name: None)
    cluster.create("mpijobs", make_run(f"{STEP}-older")._body)
    cluster.put_pod(f"{STEP}-older", "worker", 1, **READY)

    with pytest.raises(JobError, match=f"the MPIJob {STEP}-older of an earlier try has not gone"):
        make_run().run(Termination())


def test_a_job_whose_creation_was_not_answered_is_ours(cluster):
    """The server made it before it failed: the second call finds it there."""
    run = make_run()
    cluster.operator = succeed
    cluster.unanswered = 2  # the policy's, and the job's

    run.run(Termination())

    assert cluster.requests.count(("create", "mpijobs")) == 2
    assert cluster.requests.count(("create", "networkpolicies")) == 2
    assert len(cluster.created) == 2


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


def test_a_pod_that_the_cluster_refuses_is_told(cluster):
    """Pod Security's reason is in the operator's event."""
    run = make_run(pending_timeout_seconds=1)
    worker = run._body["spec"]["mpiReplicaSpecs"]["Worker"]["template"]["spec"]
    del worker["securityContext"]["seccompProfile"]
    cluster.operator = lambda cluster, _job: cluster.put_pod(NAME, "worker", 0)

    with pytest.raises(JobError, match=r'violates PodSecurity "restricted.*seccompProfile'):
        run.run(Termination())


def test_a_job_that_someone_else_deletes_is_an_error(cluster):
    """Not a wait without end."""

    def operate(cluster, _job):
        start_pods(cluster)
        wait_for_watches(cluster)
        cluster.delete("mpijobs", NAME, {})

    cluster.operator = operate

    with pytest.raises(JobError, match="was deleted, not by this step"):
        make_run().run(Termination())


@pytest.mark.parametrize(
    "right",
    [
        ("create", "mpijobs"),
        ("create", "networkpolicies"),
        ("watch", "pods"),
        ("list", "mpijobs"),
    ],
)
def test_a_right_that_is_missing_is_named(cluster, right):
    """With the file that grants it."""
    cluster.forbidden = {right}

    with pytest.raises(InputError, match=rf'cannot {right[0]} resource "{right[1]}".*manifests/'):
        make_run().run(Termination())
    assert cluster.jobs() == []


def test_a_server_that_stays_away_is_an_error(cluster, monkeypatch):
    """After a while; until then it is asked again."""
    run = make_run()
    cluster.unavailable = 1000000
    monkeypatch.setattr(kubernetes_api, "_PATIENCE_SECONDS", 1.0)
    monkeypatch.setattr(lifecycle, "_LAST_CALL_SECONDS", 1.0)

    with pytest.raises(JobError, match="503 Service Unavailable"):
        run.run(Termination())


def test_an_mpijob_that_the_crd_forbids_is_refused(cluster):
    """The server's own words come through."""
    run = make_run()
    run._body["spec"]["slotsPerWorkers"] = 8

    with pytest.raises(InputError, match=r"refuses the MPIJob: 422 .*slotsPerWorkers"):
        run.run(Termination())
