"""The machines that an MPIJob asks for, and the queue in which it waits for them."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from components.shared.errors import InputError
from components.shared.files.documents import decode_json, expect_shape

# Kubernetes's names, in which the pipeline writes them.
_POD_FIELDS = (
    "nodeSelector", "tolerations", "affinity", "priorityClassName", "schedulerName",
    "runtimeClassName",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class WorkerPod:
    """What each worker asks for, in Kubernetes's own form; image and volumes are the step's."""

    nodeSelector: Mapping[str, str] = field(default_factory=dict)
    tolerations: Sequence[Mapping[str, Any]] = ()
    affinity: Mapping[str, Any] = field(default_factory=dict)
    priorityClassName: str = ""
    """PriorityClass of the workers and the launcher, and of their PodGroup."""
    schedulerName: str = ""
    runtimeClassName: str = ""
    resources: Mapping[str, Any] = field(default_factory=dict)
    """`{"limits": {"nvidia.com/gpu": "8", "memory": "480Gi", …}, "requests": …}`."""
    env: Sequence[Mapping[str, Any]] = ()
    """On top of the step's own: `[{"name": "NCCL_SOCKET_IFNAME", "value": "eth0"}]`."""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    sharedMemory: str = ""
    """Size of /dev/shm, as `16Gi`: NCCL's processes on a node meet there, and the default of
    64 MiB is too small for eight. It counts as memory of the pod."""
    queueName: str = ""
    """Queue that admits the job: a LocalQueue of Kueue, or a Queue of Volcano."""
    queuePriorityClass: str = ""
    """Kueue's WorkloadPriorityClass, which orders the queue."""
    scheduleTimeoutSeconds: int = 120
    """How long the coscheduling plugin holds the places of some workers while it looks for the
    others' before it tries again."""

    @classmethod
    def parse(cls, text: str) -> "WorkerPod":
        """From JSON; "" asks for nothing.

        Raises:
            InputError: if it is not a JSON object, or has a key or a kind of value of its own.
        """
        if not text.strip():
            return cls()
        value = decode_json(text, dict[str, Any], source="worker_pod")
        known = [one.name for one in dataclasses.fields(cls)]
        if unknown := [name for name in value if name not in known]:
            raise InputError(f"worker_pod: unknown key {unknown[0]!r}; known: {', '.join(known)}")
        return expect_shape(value, cls, source="worker_pod")

    def pod_fields(self) -> dict[str, Any]:
        """Those that go into a pod's spec as they are."""
        return {name: getattr(self, name) for name in _POD_FIELDS if getattr(self, name)}
