"""The MPIJob (kubeflow.org/v2beta1) that trains on several nodes.

Its workers are sshd and wait; its launcher, a small pod without a GPU, starts the training
on them over SSH once they are ready. Before that, each worker fetches the inputs to its own
disk in an init container, so that no GPU waits for a launcher's own copy.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from components.shared.mpijob.own_pod import OwnPod
from components.shared.mpijob.worker_pod import WorkerPod

API_VERSION, KIND = "kubeflow.org/v2beta1", "MPIJob"
LAUNCHER, WORKER = "launcher", "worker"
# Tells all jobs of a step from other steps' jobs: each creation has a name of its own.
STEP_LABEL = "kubeflow-bert/step"
QUEUE_LABEL = "kueue.x-k8s.io/queue-name"
QUEUE_PRIORITY_LABEL = "kueue.x-k8s.io/priority-class"
# mpi-operator's label on all that it makes for a job.
JOB_LABEL = "training.kubeflow.org/job-name"
# As images/tensorflow sets them up: the user's home, where mpi-operator puts the keys.
SSH_PORT, _KEYS = 2222, "/home/bert/.ssh"
_PART_OF = {"app.kubernetes.io/part-of": "kubeflow-bert"}
_SHARED_MEMORY = "/dev/shm"  # noqa: S108 - in the container
_PYTHON = ["python", "-m", "components.shared.mpijob"]
_NO_SIDECAR = "sidecar.istio.io/inject"  # its proxy would take SSH's connections for its own
# A finished job goes by itself where nobody is left to delete it.
_SECONDS_AFTER_FINISHED = 3600
_LAUNCHER_FIELDS = ("priorityClassName", "schedulerName")
LAUNCHER_RESOURCES = {
    "requests": {"cpu": "100m", "memory": "512Mi"},
    "limits": {"memory": "2Gi"},
}


@dataclass(frozen=True, kw_only=True)
class JobSpec:
    """What there is to train, and where."""

    step: str
    """The same for all tries of a step."""
    name: str
    """The job's own; see `name_job`."""
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


def name_job(step: str) -> str:
    """Return a name for a step's next job.

    Each creation has a name of its own, so that a new job never waits for pods of an old one
    that a lost node still holds.
    """
    return f"{step}-{uuid.uuid4().hex[:5]}"


def make_mpijob(spec: JobSpec, own_pod: OwnPod, worker_pod: WorkerPod) -> dict[str, Any]:
    """Return the MPIJob in JSON form."""
    labels = {STEP_LABEL: spec.step, **_PART_OF}
    # Kueue reads them on the job itself, not on its pods.
    if worker_pod.queueName:
        labels[QUEUE_LABEL] = worker_pod.queueName
    if worker_pod.queuePriorityClass:
        labels[QUEUE_PRIORITY_LABEL] = worker_pod.queuePriorityClass
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {
            "name": spec.name,
            "namespace": spec.namespace,
            "labels": labels,
            "ownerReferences": [_owner(own_pod)],
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
                # The step itself makes a new job, which resumes from the newest checkpoint.
                "backoffLimit": 0,
                "activeDeadlineSeconds": spec.timeout_seconds,
                "ttlSecondsAfterFinished": _SECONDS_AFTER_FINISHED,
                "schedulingPolicy": _schedule(spec, worker_pod),
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


def make_network_policy(spec: JobSpec, own_pod: OwnPod) -> dict[str, Any]:
    """Return the policy by which the job's pods are reached by one another alone."""
    pods = {"matchLabels": {JOB_LABEL: spec.name}}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {
            "name": spec.name,
            "namespace": spec.namespace,
            "labels": {STEP_LABEL: spec.step, **_PART_OF},
            "ownerReferences": [_owner(own_pod)],
        },
        "spec": {
            "podSelector": pods,
            "policyTypes": ["Ingress"],
            "ingress": [{"from": [{"podSelector": pods}]}],
        },
    }


def _owner(own_pod: OwnPod) -> dict[str, str]:
    """The step's pod: what it owns goes with it, whatever ends that."""
    return {"apiVersion": "v1", "kind": "Pod", "name": own_pod.name, "uid": own_pod.uid}


def _schedule(spec: JobSpec, worker_pod: WorkerPod) -> dict[str, Any]:
    """Place all workers or none, where the operator schedules gangs (Volcano, coscheduling).

    The launcher is created once the workers are ready: a gang that waits for it as well, the
    operator's default, never starts (kubeflow/mpi-operator#608).
    """
    policy: dict[str, Any] = {
        "minAvailable": spec.num_nodes,
        "scheduleTimeoutSeconds": worker_pod.scheduleTimeoutSeconds,
    }
    if worker_pod.queueName:
        policy["queue"] = worker_pod.queueName
    if worker_pod.priorityClassName:
        policy["priorityClass"] = worker_pod.priorityClassName
    return policy


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
        "resources": LAUNCHER_RESOURCES,
    }
    fields = worker_pod.pod_fields()
    # The machines are the workers'; the launcher runs wherever there is a corner.
    own_fields = {name: fields[name] for name in _LAUNCHER_FIELDS if name in fields}
    return _template(own_pod, container, worker_pod, pod_fields=own_fields)


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
        fetch |= {
            "command": [*_PYTHON, "fetch"],
            "args": _literal(spec.inputs),
            # The worker's, which hasn't begun: a namespace's quota wants them of each container.
            "resources": _without_devices(worker_pod.resources),
        }
        template["spec"]["initContainers"] = [fetch]
    return template


def _template(
    own_pod: OwnPod, container: dict[str, Any], worker_pod: WorkerPod, *, pod_fields: dict[str, Any]
) -> dict[str, Any]:
    pod: dict[str, Any] = {
        "containers": [container],
        # They have no business with Kubernetes; what a cloud's identity needs comes otherwise.
        "automountServiceAccountToken": False,
        # With `_container`'s: Pod Security "restricted".
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
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


def _without_devices(resources: Mapping[str, Any]) -> dict[str, Any]:
    return {
        kind: {name: amounts[name] for name in ("cpu", "memory") if name in amounts}
        for kind, amounts in resources.items()
    }


def _literal(words: Sequence[str]) -> list[str]:
    """So that Kubernetes takes no $(…) in them for a variable."""
    return [word.replace("$", "$$") for word in words]
