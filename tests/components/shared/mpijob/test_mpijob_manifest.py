"""The MPIJob: valid by its CRD, and with what its pods need of the step's."""

import copy

import pytest

from components.shared.mpijob.mpijob_manifest import JobSpec, make_mpijob, name_job
from components.shared.mpijob.own_pod import read_own_pod
from components.shared.mpijob.worker_pod import WorkerPod
from tests.components.shared.mpijob.fakes.mpi_operator import make_launcher, make_worker
from tests.components.shared.mpijob.fakes.step_pod import NAMESPACE, make_own_pod
from tests.custom_resources import find_faults
from tests.pod_security import find_violations

MACHINE = WorkerPod(
    nodeSelector={"nvidia.com/gpu.product": "Tesla-V100-SXM3-32GB"},
    tolerations=[{"key": "nvidia.com/gpu", "operator": "Exists"}],
    resources={"limits": {"nvidia.com/gpu": "16", "memory": "1400Gi"}},
    env=[{"name": "NCCL_SOCKET_IFNAME", "value": "eth0"}],
    sharedMemory="16Gi",
    queueName="team-a",
    queuePriorityClass="urgent",
    priorityClassName="training",
)


SPEC = JobSpec(
    step="pretrain-128-0123456789",
    name="pretrain-128-0123456789-abcde",
    namespace=NAMESPACE,
    command=["python", "-m", "components.pretrain", "--bert-config", '{"a": "$(b)"}'],
    num_nodes=4,
    slots_per_worker=16,
    inputs=["/s3/bucket/dataset"],
    mounts=["/s3"],
    timeout_seconds=3600,
)


@pytest.fixture(scope="module")
def job():
    return make_mpijob(SPEC, read_own_pod(make_own_pod()), MACHINE)


def worker_of(job: dict) -> dict:
    return job["spec"]["mpiReplicaSpecs"]["Worker"]["template"]["spec"]


def launcher_of(job: dict) -> dict:
    return job["spec"]["mpiReplicaSpecs"]["Launcher"]["template"]["spec"]


def test_it_is_valid_by_its_crd(job):
    """And a misspelled field would be seen."""
    broken = {**job, "spec": {**job["spec"], "slotsPerWorkers": 1}}

    assert find_faults(job, crd="kubeflow.org_mpijobs.yaml") == []
    assert find_faults(broken, crd="kubeflow.org_mpijobs.yaml")


def test_workers_take_the_machines_and_the_launcher_a_corner(job):
    """No GPU waits for a launcher; the launcher starts when the workers are ready."""
    worker, launcher = worker_of(job), launcher_of(job)

    assert job["spec"]["slotsPerWorker"] == 16
    assert job["spec"]["mpiReplicaSpecs"]["Worker"]["replicas"] == 4
    assert job["spec"]["launcherCreationPolicy"] == "WaitForWorkersReady"
    assert worker["nodeSelector"] == MACHINE.nodeSelector
    assert worker["tolerations"] == MACHINE.tolerations
    assert worker["containers"][0]["resources"] == MACHINE.resources
    assert "nodeSelector" not in launcher
    assert "nvidia.com/gpu" not in launcher["containers"][0]["resources"]["limits"]


def test_its_pods_are_as_the_step_s_own(job):
    """Image by digest, account, secrets as references, and the volumes that others can have."""
    for pod in (worker_of(job), launcher_of(job)):
        container = pod["containers"][0]
        names = [variable["name"] for variable in container["env"]]

        assert container["image"] == "registry/kubeflow-bert/pretrain@sha256:0123"
        assert pod["serviceAccountName"] == "pipeline-runner"
        assert names == ["AWS_ENDPOINT_URL", "AWS_SECRET_ACCESS_KEY", "NCCL_SOCKET_IFNAME"]
        assert container["env"][1]["valueFrom"]["secretKeyRef"]["name"] == "minio"
        assert {"name": "shared", "persistentVolumeClaim": {"claimName": "bert"}} in pod["volumes"]
        assert pod["automountServiceAccountToken"] is False


def test_a_worker_fetches_the_inputs_to_its_own_disk(job):
    """Where Kubeflow's launcher would put them; and has its shared memory."""
    worker = worker_of(job)
    fetch, container = worker["initContainers"][0], worker["containers"][0]
    volumes = {volume["name"]: volume for volume in worker["volumes"]}

    assert fetch["args"] == ["/s3/bucket/dataset"]
    assert {"name": "artifacts-s3", "mountPath": "/s3"} in fetch["volumeMounts"]
    assert {"name": "artifacts-s3", "mountPath": "/s3"} in container["volumeMounts"]
    assert volumes["shared-memory"]["emptyDir"] == {"medium": "Memory", "sizeLimit": "16Gi"}


def test_what_looks_like_a_variable_is_passed_as_it_is(job):
    """Kubernetes would put the value of `b` there."""
    assert launcher_of(job)["containers"][0]["args"][-1] == '{"a": "$$(b)"}'


def test_it_goes_with_the_step_s_pod(job):
    """By Kubernetes's garbage collection."""
    assert job["metadata"]["ownerReferences"] == [
        {"apiVersion": "v1", "kind": "Pod", "name": "step", "uid": "uid-of-step"}
    ]


def test_istio_stays_out(job):
    """Its proxy would take SSH's connections; newer versions read the label."""
    for role in ("Launcher", "Worker"):
        metadata = job["spec"]["mpiReplicaSpecs"][role]["template"]["metadata"]
        assert metadata["labels"]["sidecar.istio.io/inject"] == "false"
        assert metadata["annotations"]["sidecar.istio.io/inject"] == "false"


def test_a_queue_finds_its_labels_on_the_job_itself(job):
    """Kueue reads them there, and not on the pods."""
    labels = job["metadata"]["labels"]

    assert labels["kueue.x-k8s.io/queue-name"] == "team-a"
    assert labels["kueue.x-k8s.io/priority-class"] == "urgent"


def test_without_a_queue_there_is_no_label():
    """An empty one would be a queue without a name."""
    labels = make_mpijob(SPEC, read_own_pod(make_own_pod()), WorkerPod())["metadata"]["labels"]

    assert not [name for name in labels if name.startswith("kueue")]


def test_a_gang_is_the_workers(job):
    """The launcher comes after them: a gang that waits for it would never start."""
    policy = job["spec"]["runPolicy"]["schedulingPolicy"]

    assert policy == {
        "minAvailable": 4,
        "queue": "team-a",
        "priorityClass": "training",
        "scheduleTimeoutSeconds": 120,
    }
    assert worker_of(job)["priorityClassName"] == "training"
    assert launcher_of(job)["priorityClassName"] == "training"


@pytest.mark.parametrize("make_pod", [make_launcher, lambda job: make_worker(job, 0)])
def test_its_pods_keep_to_pod_security_restricted(job, make_pod):
    """As mpi-operator makes them, with its keys and its hostfile."""
    pod = make_pod(job)
    broken = copy.deepcopy(pod)
    del broken["spec"]["containers"][0]["securityContext"]["capabilities"]

    assert find_violations(pod["spec"]) == []
    assert find_violations(broken["spec"])


def test_each_creation_has_a_name_of_its_own():
    """That a new job never waits for a pod of an old one; pods' host names have 63 characters."""
    step = "finetune-classification-0123456789"
    names = {name_job(step) for _ in range(10)}

    assert len(names) == 10
    assert all(name.startswith(step) for name in names)
    assert all(len(f"{name}-worker-999") <= 63 for name in names)
