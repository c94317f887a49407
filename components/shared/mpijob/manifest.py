"""The MPIJob (kubeflow.org/v2beta1) that trains on several nodes.

Its workers are sshd and wait; its launcher, a small pod without a GPU, starts the training
on them over SSH once they are ready. Before that, each worker fetches the inputs to its own
disk in an init container, so that no GPU waits for a launcher's own copy.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from components.shared.mpijob.own_pod import OwnPod
from components.shared.mpijob.worker_pod import WorkerPod

API_VERSION, KIND = "kubeflow.org/v2beta1", "MPIJob"
LAUNCHER, WORKER = "launcher", "worker"
# As images/tensorflow sets them up: the user's home, where mpi-operator puts the keys.
SSH_PORT, _KEYS = 2222, "/home/bert/.ssh"
# Which of two jobs of a name is one's own.
STARTED_BY = "kubeflow-bert/started-by"
_SHARED_MEMORY = "/dev/shm"  # noqa: S108 - in the container
_PYTHON = ["python", "-m", "components.shared.mpijob"]
_NO_SIDECAR = "sidecar.istio.io/inject"  # its proxy would take SSH's connections for its own
# A finished job goes by itself where nobody is left to delete it.
_SECONDS_AFTER_FINISHED = 3600
_LAUNCHER_RESOURCES = {
    "requests": {"cpu": "500m", "memory": "512Mi"},
    "limits": {"memory": "2Gi"},
}


@dataclass(frozen=True, kw_only=True)
class JobSpec:
    """What there is to train, and where."""

    name: str
    namespace: str
    command: Sequence[str]
    """What each process runs."""
    num_nodes: int
    slots_per_worker: int
    """Processes on a node: one a GPU."""
    inputs: Sequence[str]
    """Paths that each worker fetches from a store; they stand for addresses."""
    mounts: Sequence[str]
    """Folders for what such paths hold, as /s3."""
    timeout_seconds: int
    token: str
    """Tells this job from another of its name."""


def make_mpijob(spec: JobSpec, own_pod: OwnPod, worker_pod: WorkerPod) -> dict[str, Any]:
    """The MPIJob in JSON form."""
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {
            "name": spec.name,
            "namespace": spec.namespace,
            "labels": {"app.kubernetes.io/part-of": "kubeflow-bert"},
            "annotations": {STARTED_BY: spec.token},
            # Goes with the step's pod, whatever ends that.
            "ownerReferences": [
                {"apiVersion": "v1", "kind": "Pod", "name": own_pod.name, "uid": own_pod.uid}
            ],
        },
        "spec": {
            "slotsPerWorker": spec.slots_per_worker,
            "mpiImplementation": "OpenMPI",
            "sshAuthMountPath": _KEYS,
            "launcherCreationPolicy": "WaitForWorkersReady",
            "runLauncherAsWorker": False,
            "runPolicy": {
                # GPUs are free once it ends; pods that failed stay and say why.
                "cleanPodPolicy": "Running",
                # The step itself is tried again, by Kubeflow, with a job of its own.
                "backoffLimit": 0,
                "activeDeadlineSeconds": spec.timeout_seconds,
                "ttlSecondsAfterFinished": _SECONDS_AFTER_FINISHED,
            },
            "mpiReplicaSpecs": {
                "Launcher": {
                    "replicas": 1,
                    "restartPolicy": "Never",
                    "template": _launcher(spec, own_pod, worker_pod),
                },
                "Worker": {
                    "replicas": spec.num_nodes,
                    "restartPolicy": "Never",
                    "template": _worker(spec, own_pod, worker_pod),
                },
            },
        },
    }


def _launcher(spec: JobSpec, own_pod: OwnPod, worker_pod: WorkerPod) -> dict[str, Any]:
    own, more = own_pod.env, list(worker_pod.env)
    names = {variable["name"]: None for variable in [*own, *more]}
    num_processes = spec.num_nodes * spec.slots_per_worker
    forwarded = [word for name in names for word in ("--forward", name)]
    container = _container(own_pod, LAUNCHER, env=[*own, *more]) | {
        "command": [*_PYTHON, "launch"],
        "args": _literal(
            [
                *("--num-processes", str(num_processes), "--job", spec.name),
                *(*forwarded, "--", *spec.command),
            ]
        ),
        "resources": _LAUNCHER_RESOURCES,
    }
    return _template(own_pod, container, worker_pod, pod_fields={})


def _worker(spec: JobSpec, own_pod: OwnPod, worker_pod: WorkerPod) -> dict[str, Any]:
    volumes, mounts = [], []
    for folder in spec.mounts:
        name = f"artifacts-{folder.strip('/')}"
        volumes.append({"name": name, "emptyDir": {}})
        mounts.append({"name": name, "mountPath": folder})
    artifacts = list(mounts)
    if worker_pod.sharedMemory:
        memory = {"medium": "Memory", "sizeLimit": worker_pod.sharedMemory}
        volumes.append({"name": "shared-memory", "emptyDir": memory})
        mounts.append({"name": "shared-memory", "mountPath": _SHARED_MEMORY})
    env = [*own_pod.env, *worker_pod.env]
    container = _container(own_pod, WORKER, env=env, mounts=mounts) | {
        "command": [*_PYTHON, "serve"],
        # Ready once it takes connections, which the launcher waits for; asked until then only.
        "startupProbe": {
            "tcpSocket": {"port": SSH_PORT},
            "periodSeconds": 2,
            "failureThreshold": 150,
        },
        # Time to save the training's state where the node is taken away.
        "lifecycle": {"preStop": {"exec": {"command": [*_PYTHON, "stop"]}}},
    }
    if worker_pod.resources:
        container["resources"] = dict(worker_pod.resources)
    template = _template(own_pod, container, worker_pod, pod_fields=worker_pod.pod_fields())
    template["spec"]["volumes"] = template["spec"].get("volumes", []) + volumes
    if spec.inputs:
        fetch = _container(own_pod, "fetch", env=env, mounts=artifacts)
        fetch |= {"command": [*_PYTHON, "fetch"], "args": _literal(spec.inputs)}
        template["spec"]["initContainers"] = [fetch]
    return template


def _template(
    own_pod: OwnPod, container: dict[str, Any], worker_pod: WorkerPod, *, pod_fields: dict[str, Any]
) -> dict[str, Any]:
    pod: dict[str, Any] = {
        "containers": [container],
        # They have no business with Kubernetes; what a cloud's identity needs comes otherwise.
        "automountServiceAccountToken": False,
        "securityContext": {"runAsNonRoot": True},
        **pod_fields,
    }
    for name, value in {
        "serviceAccountName": own_pod.service_account,
        "imagePullSecrets": own_pod.image_pull_secrets,
        "volumes": own_pod.volumes,
    }.items():
        if value:
            pod[name] = value
    return {
        "metadata": {
            "labels": {**worker_pod.labels, _NO_SIDECAR: "false"},
            "annotations": {**worker_pod.annotations, _NO_SIDECAR: "false"},
        },
        "spec": pod,
    }


def _container(
    own_pod: OwnPod,
    name: str,
    *,
    env: Sequence[dict[str, Any] | Any],
    mounts: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:
    container: dict[str, Any] = {
        "name": name,
        "image": own_pod.image,
        # Its last lines are then in the pod's status, where the step reads why it failed.
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    for key, value in {
        "imagePullPolicy": own_pod.image_pull_policy,
        "env": list(env),
        "volumeMounts": [*own_pod.volume_mounts, *mounts],
    }.items():
        if value:
            container[key] = value
    return container


def _literal(words: Sequence[str]) -> list[str]:
    """So that Kubernetes takes no $(…) in them for a variable."""
    return [word.replace("$", "$$") for word in words]
