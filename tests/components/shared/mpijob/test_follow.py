"""One MPIJob, by Kubernetes's own client, against a server that speaks its API."""

import time

import pytest

from components.shared.errors import InputError, JobError, Preempted
from components.shared.mpijob import cluster as cluster_module
from components.shared.mpijob import follow
from tests.components.shared.mpijob.fake_kubernetes import Log
from tests.components.shared.mpijob.runs import NAME, make_run, start_pods, succeed


def test_a_job_that_succeeds_is_followed_and_deleted(cluster, capsys):
    """Its launcher's log is this process's."""
    cluster.operator = succeed

    make_run().run()

    assert capsys.readouterr().out == "step 1\nstep 2\n"
    assert cluster.jobs() == []


def test_the_log_is_passed_on_while_it_is_written(cluster, capsys):
    """Line by line, long before the end."""
    seen = []

    def operate(cluster, _job):
        launcher = start_pods(cluster)
        for word in ("one", "two"):
            cluster.log(launcher, word)
            time.sleep(1.5)
            seen.append(capsys.readouterr().out)
        cluster.log(launcher, end=True)
        cluster.set_condition(NAME, "Succeeded")

    cluster.operator = operate

    make_run().run()

    assert seen == ["one\n", "two\n"]


def test_a_log_that_is_cut_goes_on_where_it_was(cluster, capsys):
    """No line twice, none lost: twelve, as the times of some have zeros left out."""
    lines = [f"step {number}" for number in range(12)]

    def operate(cluster, _job):
        cluster.logs[f"{NAME}-launcher-0"] = Log(cut_after=11)
        cluster.log(start_pods(cluster), *lines, end=True)
        time.sleep(2.5)
        cluster.set_condition(NAME, "Succeeded")

    cluster.operator = operate

    make_run().run()

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

    with pytest.raises(JobError) as caught:
        make_run().run()

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
        make_run().run()

    assert str(caught.value) == str(error)


def test_inputs_that_a_worker_can_t_fetch_end_the_job(cluster):
    """The operator would wait for that worker for ever."""

    def operate(cluster, _job):
        ended = {"exitCode": 2, "message": "fetch: error: s3://bucket/dataset: no such object\n"}
        statuses = [{"name": "fetch", "state": {"terminated": ended}}]
        cluster.put_pod(NAME, "worker", 0, phase="Failed", initContainerStatuses=statuses)

    cluster.operator = operate

    with pytest.raises(InputError, match="s3://bucket/dataset: no such object"):
        make_run().run()
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
        make_run(pending_timeout_seconds=1).run()

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

    make_run(pending_timeout_seconds=1).run()


def test_no_pods_at_all_are_the_operator_s_fault(cluster):
    """Where it does not run, nothing ever happens."""
    with pytest.raises(JobError, match="mpi-operator has made no pods"):
        make_run(pending_timeout_seconds=1).run()


def test_a_watch_that_is_cut_is_resumed(cluster, capsys):
    """Within a line, both of them; and the server is away for a moment."""

    def operate(cluster, _job):
        cluster.cut_watches = 4
        time.sleep(0.5)
        launcher = start_pods(cluster)
        cluster.unavailable = 3
        time.sleep(0.5)
        cluster.log(launcher, "step 1", end=True)
        cluster.set_condition(NAME, "Succeeded")

    cluster.operator = operate

    make_run().run()

    assert capsys.readouterr().out == "step 1\n"
    assert cluster.cut_watches == 0


def test_a_version_that_is_gone_is_listed_anew(cluster):
    """410: what happened meanwhile is found in the list."""

    def operate(cluster, job):
        time.sleep(0.5)
        with cluster._changed:  # nothing is sent between the change and its forgetting
            succeed(cluster, job)
            cluster.forget()

    cluster.operator = operate

    make_run().run()

    assert cluster.requests.count(("list", "mpijobs")) > 1


def test_the_job_of_an_earlier_try_is_replaced(cluster, capsys):
    """It goes before the new one comes: never two at once."""
    old = make_run("older")._body
    cluster.create(old)
    cluster.operator = succeed

    make_run().run()

    assert cluster.requests.count(("create", "mpijobs")) == 2
    assert "of an earlier try: replacing it" in capsys.readouterr().err
    assert cluster.jobs() == []


def test_a_job_whose_creation_was_not_answered_is_ours(cluster, monkeypatch):
    """The connection was cut after the server had made it: the second try finds it there."""
    run = make_run()
    cluster.create(run._body)
    cluster.operator = succeed
    succeed(cluster, run._body)

    run.run()

    assert cluster.requests.count(("delete", "mpijobs")) == 1


def test_a_job_that_someone_else_deletes_is_an_error(cluster):
    """Not a wait without end."""

    def operate(cluster, _job):
        start_pods(cluster)
        time.sleep(1)
        cluster.delete(NAME, {})

    cluster.operator = operate

    with pytest.raises(JobError, match="was deleted, not by this step"):
        make_run().run()


@pytest.mark.parametrize("right", [("create", "mpijobs"), ("watch", "pods"), ("list", "mpijobs")])
def test_a_right_that_is_missing_is_named(cluster, right):
    """With the file that grants it."""
    cluster.forbidden = {right}

    with pytest.raises(InputError, match=rf'cannot {right[0]} resource "{right[1]}".*manifests/'):
        make_run().run()
    assert cluster.jobs() == []


def test_a_server_that_stays_away_is_an_error(cluster, monkeypatch):
    """After a while; until then it is asked again."""
    run = make_run()
    cluster.unavailable = 1000000
    monkeypatch.setattr(cluster_module, "_PATIENCE_SECONDS", 1.0)
    monkeypatch.setattr(follow, "_LAST_CALL_SECONDS", 1.0)

    with pytest.raises(JobError, match="503 Service Unavailable"):
        run.run()


def test_an_mpijob_that_the_crd_forbids_is_refused(cluster):
    """The server's own words come through."""
    run = make_run()
    run._body["spec"]["slotsPerWorkers"] = 8

    with pytest.raises(InputError, match=r"refuses the MPIJob: 422 .*slotsPerWorkers"):
        run.run()
