"""A job of two workers, and what happens to its pods."""

from components.shared.mpijob.kubernetes_api import connect
from components.shared.mpijob.lifecycle import JobRun
from components.shared.mpijob.mpijob_manifest import JobSpec, make_mpijob, make_network_policy
from components.shared.mpijob.own_pod import read_own_pod
from components.shared.mpijob.worker_pod import WorkerPod
from tests.components.shared.mpijob.fakes.fake_kubernetes import FakeKubernetes
from tests.components.shared.mpijob.fakes.step_pod import NAMESPACE
from tests.waiting import wait_until

STEP = "pretrain-128-0123456789"
NAME = f"{STEP}-abcde"
READY = {
    "phase": "Running",
    "conditions": [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": "True"}],
}


def make_run(
    name: str = NAME,
    pending_timeout_seconds: float = 60.0,
    worker_pod: WorkerPod = WorkerPod(),  # noqa: B008 - it is frozen
) -> JobRun:
    connected = connect()
    spec = JobSpec(
        step=STEP,
        name=name,
        namespace=NAMESPACE,
        command=["python", "-m", "components.pretrain", "--bert-config", '{"a": "$(b)"}'],
        num_nodes=2,
        slots_per_worker=8,
        inputs=["/s3/bucket/dataset"],
        mounts=["/s3"],
        timeout_seconds=3600,
    )
    own_pod = read_own_pod(connected.read_pod("step"))
    return JobRun(
        connected,
        make_mpijob(spec, own_pod, worker_pod),
        make_network_policy(spec, own_pod),
        pending_timeout_seconds=pending_timeout_seconds,
    )


def start_pods(cluster: FakeKubernetes, job: str = NAME) -> str:
    for number in range(2):
        cluster.put_pod(job, "worker", number, **READY)
    return cluster.put_pod(job, "launcher", **READY)


def succeed(cluster: FakeKubernetes, job: dict) -> None:
    name = job["metadata"]["name"]
    cluster.log(start_pods(cluster, name), "step 1", "step 2", end=True)
    cluster.set_condition(name, "Succeeded")


def wait_for_watches(cluster: FakeKubernetes) -> None:
    """Return when the job and its pods are watched: what is there already has been seen."""
    wait_until(lambda: {("watch", "mpijobs"), ("watch", "pods")} <= set(cluster.requests))
