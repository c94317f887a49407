"""A Kubernetes API that refuses, breaks off or stays away."""

import pytest

from components.shared.errors import (
    InputError,
    JobError,
)
from components.shared.mpijob import kubernetes_api, lifecycle
from components.shared.processes.termination import Termination
from tests.components.shared.mpijob.runs import (
    NAME,
    make_run,
    start_pods,
    succeed,
    wait_for_watches,
)
from tests.waiting import wait_until


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


def test_a_job_whose_creation_was_not_answered_is_ours(cluster):
    """The server made it before it failed: the second call finds it there."""
    run = make_run()
    cluster.operator = succeed
    cluster.unanswered = 2  # the policy's, and the job's

    run.run(Termination())

    assert cluster.requests.count(("create", "mpijobs")) == 2
    assert cluster.requests.count(("create", "networkpolicies")) == 2
    assert len(cluster.created) == 2


def test_a_pod_that_the_cluster_refuses_is_told(cluster):
    """Pod Security's reason is in the operator's event."""
    run = make_run(pending_timeout_seconds=1)
    worker = run._body["spec"]["mpiReplicaSpecs"]["Worker"]["template"]["spec"]
    del worker["securityContext"]["seccompProfile"]
    cluster.operator = lambda cluster, _job: cluster.put_pod(NAME, "worker", 0)

    with pytest.raises(JobError, match=r'violates PodSecurity "restricted.*seccompProfile'):
        run.run(Termination())


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


def test_an_mpijob_that_the_crd_forbids_is_rejected(cluster):
    """The server's own words come through."""
    run = make_run()
    run._body["spec"]["slotsPerWorkers"] = 8

    with pytest.raises(InputError, match=r"refuses the MPIJob: 422 .*slotsPerWorkers"):
        run.run(Termination())
