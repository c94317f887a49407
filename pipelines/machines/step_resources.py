"""How a step runs on a cluster: on which node, with what share of it, and how it is tried again.

kfp's local runner passes over all of this. What Kubernetes would need and kfp can't say, a
request for ephemeral storage, is in manifests/node-pools: nodes whose emptyDirs lie
on local SSD.
"""

import dataclasses
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from kfp import kubernetes
from kfp.dsl import PipelineTask

from components.notify.config import URL_VARIABLE
from components.shared.errors import InputError
from components.shared.mpijob.mpijob_manifest import QUEUE_LABEL, QUEUE_PRIORITY_LABEL
from pipelines.machines.hardware import Hardware

# The user of the images, which are readable for all.
_USER = 10001
_GPU = "nvidia.com/gpu"
# Nodes with GPUs have one of these labels: GPU feature discovery's on any machine, and GKE's.
_OFF_GPU_NODES = [
    {"key": label, "operator": "DoesNotExist"}
    for label in ("nvidia.com/gpu.present", "cloud.google.com/gke-accelerator")
]
_ALL, _ONE, _NONE = "all", "one", "none"
# What boto3 finds its store by, in a secret and a ConfigMap of this name beside the run. Both may
# be missing: gs:// needs none, and on EKS the pod's account has the rights.
_STORE = "bert-object-store"
_STORE_KEYS = {"accesskey": "AWS_ACCESS_KEY_ID", "secretkey": "AWS_SECRET_ACCESS_KEY"}
_STORE_SETTINGS = {"endpoint": "AWS_ENDPOINT_URL", "region": "AWS_DEFAULT_REGION"}
# The webhook's address, which is a secret; on one machine it is in the same variable.
_WEBHOOK, _WEBHOOK_KEYS = "bert-notify", {"url": URL_VARIABLE}
# DNS-1123, as Kubernetes asks of a name; a label's value is shorter.
_NAME, _LONGEST_LABEL = r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", 63


@dataclass(frozen=True, kw_only=True)
class _Needs:
    """What a step needs; CPUs and memory are of those that get no GPU."""

    gpus: str = _NONE
    """Of one machine."""
    trains: bool = False
    """As long as the training takes, on as many machines as it has."""
    opens_stores: bool = False
    """It reads or writes s3:// itself, beside the artifacts that Kubeflow copies."""
    sends_messages: bool = False
    num_cpus: float = 1
    most_cpus: int = 1
    memory_gib: int = 2
    timeout_hours: int = 24
    num_retries: int = 3
    backoff: str = "60s"
    backoff_factor: float = 2.0


# A training that dies is restarted in its pod; a pod that is lost, here: the new one resumes from
# the newest checkpoint. Its node takes longer to come than this back-off, which only keeps a step
# that fails at once from using up its retries in seconds.
_TRAINING = _Needs(
    gpus=_ALL,
    trains=True,
    opens_stores=True,
    timeout_hours=72,
    num_retries=10,
    backoff="30s",
    backoff_factor=1.0,
)
# A step whose training runs in other pods; Hardware's workers leave room for it.
_FOLLOWING = replace(_TRAINING, gpus=_NONE, num_cpus=0.1, memory_gib=1)
# How long a queue may keep a step from its machines, beyond the step's own time limit.
_QUEUE_HOURS = 14 * 24
# It evaluates the model in use where the questions have changed.
_RELEASE = _Needs(opens_stores=True, num_cpus=2, most_cpus=8, memory_gib=8)
# Every component of a pipeline has its entry.
_COMPONENT_TO_NEEDS: Mapping[str, _Needs] = {
    # It may wait for another run, as long as that one may take.
    "look-for-dump": _Needs(opens_stores=True, timeout_hours=336),
    "record-dump": _Needs(opens_stores=True, timeout_hours=1),
    "notify": _Needs(opens_stores=True, sends_messages=True, timeout_hours=1),
    "ingest": _Needs(opens_stores=True, most_cpus=4, memory_gib=4),
    "ingest-squad": _Needs(opens_stores=True, memory_gib=4),
    "ingest-classification": _Needs(opens_stores=True, memory_gib=4),
    # A worker a CPU, each with a GiB; a whole Wikipedia takes a day.
    "preprocess": _Needs(
        opens_stores=True, num_cpus=8, most_cpus=16, memory_gib=24, timeout_hours=72
    ),
    "pretrain": _TRAINING,
    "finetune": _TRAINING,
    "finetune-classification": _TRAINING,
    "evaluate": _Needs(gpus=_ALL),
    "evaluate-classification": _Needs(gpus=_ONE),
    "choose": _Needs(),
    "choose-classification": _Needs(),
    # With an int8 graph: the development questions are answered in float32 and by the graph.
    "release": replace(_RELEASE, most_cpus=16, memory_gib=16),
    "release-classification": _RELEASE,
}


@dataclass(frozen=True, kw_only=True)
class Queue:
    """The queue in which the steps that take machines wait for them, and their rank in it."""

    queue: str = ""
    """Its name: a LocalQueue of Kueue; for MPIJobs also a Queue of Volcano. "": none."""
    queue_priority_class: str = ""
    """Kueue's WorkloadPriorityClass."""
    pod_priority_class: str = ""
    """The PriorityClass of an MPIJob's pods; kfp can set none on a step's own."""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            is_name = re.fullmatch(_NAME, value) and len(value) <= _LONGEST_LABEL
            if value and not is_name:
                raise InputError(
                    f"--{field.name.replace('_', '-')} must be a Kubernetes name (lower-case "
                    f"letters, digits, - and .; at most {_LONGEST_LABEL} characters), got {value!r}"
                )
        if self.queue_priority_class and not self.queue:
            raise InputError("--queue-priority-class orders a queue: give its name with --queue")


@dataclass(frozen=True)
class Volume:
    """A PersistentVolumeClaim of the runs' namespace, and where every step has it."""

    claim: str
    path: str

    @classmethod
    def parse(cls, text: str) -> "Volume":
        """Read CLAIM:/PATH.

        Raises:
            InputError: if it is none.
        """
        claim, _, path = text.partition(":")
        if not re.fullmatch(_NAME, claim) or not re.fullmatch(r"(/[\w.-]+)+", path):
            raise InputError(
                f"--volume must be a claim's name and an absolute path, as bert:/mnt/bert, got "
                f"{text!r}"
            )
        return cls(claim, path)


def set_task(
    task: PipelineTask,
    hardware: Hardware,
    *,
    training_hours: float = 0.0,
    volume: Volume | None = None,
    queue: Queue | None = None,
    names_user: bool = True,
) -> None:
    """Give a step the settings with which it runs on a cluster.

    Args:
        task: a step of the pipeline, known by its component's name.
        hardware: a step that trains or answers questions is one pod that takes such a machine
            whole; one that labels sentences takes one GPU of it, with its share of the CPUs and
            the memory. The others run on nodes without GPUs; so does a step that trains on
            several machines, which makes an MPIJob of pods that take them.
        training_hours: expected of a step that trains; see `limit_training`.
        volume: what is mounted into it; the pods of a step's MPIJob take over its volumes.
        queue: where a pod that takes a machine waits for it; an MPIJob is queued itself.
        names_user: whether the step's user is set; without, it is the image's.
    """
    needs = _COMPONENT_TO_NEEDS[task.component_spec.name]
    timeout_hours = needs.timeout_hours
    takes_machine = needs.gpus != _NONE
    if needs.trains:
        timeout_hours = limit_training(training_hours)
        if hardware.num_nodes > 1:
            needs = _FOLLOWING
    if takes_machine and queue and queue.queue:
        timeout_hours += _QUEUE_HOURS
        if needs is not _FOLLOWING:
            _put_in_queue(task, queue)
    if hardware.num_gpus and needs.gpus != _NONE:
        _put_on_gpus(task, hardware, hardware.num_gpus if needs.gpus == _ALL else 1)
    else:
        _keep_off_gpus(task, hardware, needs)
    task.set_retry(
        needs.num_retries,
        backoff_duration=needs.backoff,
        backoff_factor=needs.backoff_factor,
        # Argo Workflows counts it from the first try's start and gives no retry after it, so
        # with kfp's default of an hour a training that dies on its second day would be lost.
        backoff_max_duration=f"{timeout_hours}h",
    )
    if needs.opens_stores:
        kubernetes.use_secret_as_env(task, _STORE, _STORE_KEYS, optional=True)
        kubernetes.use_config_map_as_env(task, _STORE, _STORE_SETTINGS, optional=True)
    if needs.sends_messages:
        kubernetes.use_secret_as_env(task, _WEBHOOK, _WEBHOOK_KEYS, optional=True)
    if volume:
        kubernetes.mount_pvc(task, pvc_name=volume.claim, mount_path=volume.path)
    kubernetes.set_timeout(task, timeout_hours * 3600)
    if names_user:
        kubernetes.set_security_context(
            task, run_as_user=_USER, run_as_group=_USER, run_as_non_root=True
        )


def limit_training(training_hours: float) -> int:
    """After how many hours a training step is ended: twice those expected, three days at least."""
    return max(_TRAINING.timeout_hours, round(2 * training_hours))


def describe_worker_pod(hardware: Hardware, queue: Queue | None = None) -> str:
    """Return what each pod of a training on several machines requests: `worker_pod`."""
    memory = f"{hardware.worker_memory_gib}Gi"
    gpus = {_GPU: str(hardware.num_gpus)} if hardware.num_gpus else {}
    pod = {
        "nodeSelector": dict(hardware.node_selector),
        "tolerations": [dict(toleration) for toleration in hardware.tolerations],
        "resources": {
            "requests": {"cpu": str(hardware.worker_cpus), "memory": memory, **gpus},
            "limits": {"cpu": str(hardware.num_cpus), "memory": memory, **gpus},
        },
        "sharedMemory": f"{hardware.shared_memory_gib}Gi",
    }
    if not hardware.num_gpus:
        terms = [{"matchExpressions": _OFF_GPU_NODES}]
        required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
        pod["affinity"] = {"nodeAffinity": required}
    if queue:
        named = {
            "queueName": queue.queue,
            "queuePriorityClass": queue.queue_priority_class,
            "priorityClassName": queue.pod_priority_class,
        }
        pod |= {name: value for name, value in named.items() if value}
    return json.dumps(pod)


def _put_in_queue(task: PipelineTask, queue: Queue) -> None:
    """As Kueue queues plain pods: by labels, which kfp sets when it compiles."""
    kubernetes.add_pod_label(task, QUEUE_LABEL, queue.queue)
    if queue.queue_priority_class:
        kubernetes.add_pod_label(task, QUEUE_PRIORITY_LABEL, queue.queue_priority_class)


def _put_on_gpus(task: PipelineTask, hardware: Hardware, num_gpus: int) -> None:
    """So many GPUs of a machine, with what goes with them."""
    shares = hardware.num_gpus // num_gpus
    task.set_accelerator_type(_GPU).set_accelerator_limit(num_gpus)
    _size(
        task,
        num_cpus=hardware.pod_cpus // shares,
        most_cpus=hardware.num_cpus // shares,
        memory_gib=hardware.pod_memory_gib // shares,
    )
    # NCCL's and Horovod's processes pass data through it; a container has 64 MiB. Kubernetes
    # counts what is in it as the pod's memory, so it is part of the limit, not on top.
    kubernetes.empty_dir_mount(
        task,
        volume_name="shm",
        mount_path="/dev/shm",  # noqa: S108 - in the container
        medium="Memory",
        size_limit=f"{max(1, hardware.shared_memory_gib // shares)}Gi",
    )
    if hardware.local_ssd_gib:
        # Where the node keeps emptyDirs, which its local SSD is to be; the other half is for the
        # artifacts that Kubeflow copies into the pod. Checkpoints on their way to a bucket are
        # written here.
        kubernetes.empty_dir_mount(
            task,
            volume_name="scratch",
            mount_path="/tmp",  # noqa: S108 - in the container
            size_limit=f"{hardware.local_ssd_gib // shares // 2}Gi",
        )
    for label, value in hardware.node_selector.items():
        kubernetes.add_node_selector(task, label, value)
    for toleration in hardware.tolerations:
        kubernetes.add_toleration(task, **toleration)


def _keep_off_gpus(task: PipelineTask, hardware: Hardware, needs: _Needs) -> None:
    """A node without GPUs; where there are none at all, no more than the machine has."""
    if hardware.num_gpus:
        sizes = (needs.num_cpus, needs.most_cpus, needs.memory_gib)
    elif needs.gpus == _NONE:
        sizes = (
            min(needs.num_cpus, hardware.pod_cpus),
            min(needs.most_cpus, hardware.num_cpus),
            min(needs.memory_gib, hardware.pod_memory_gib),
        )
    else:
        sizes = (hardware.pod_cpus, hardware.num_cpus, hardware.pod_memory_gib)
    num_cpus, most_cpus, memory_gib = sizes
    _size(task, num_cpus=num_cpus, most_cpus=most_cpus, memory_gib=memory_gib)
    kubernetes.add_node_affinity(task, _OFF_GPU_NODES)


def _size(task: PipelineTask, *, num_cpus: float, most_cpus: int, memory_gib: int) -> None:
    """CPUs may be more when they are idle; memory can't be taken back and is all requested."""
    task.set_cpu_request(f"{num_cpus:g}").set_cpu_limit(str(most_cpus))
    task.set_memory_request(f"{memory_gib}Gi").set_memory_limit(f"{memory_gib}Gi")
