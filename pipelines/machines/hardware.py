"""Machines that the pipeline is sized for, one record each.

Batches and throughput are from the scripts and tables of NVIDIA's BERT for TensorFlow 1
(DeepLearningExamples, TensorFlow/LanguageModeling/BERT), BERT-Large, sequences a second of a
whole machine: 128 and 512 tokens are of pretraining, 384 of fine-tuning on SQuAD. CPUs,
memory, disks and labels are the usual ones of these machines: compare them with
`kubectl describe node` before a selector relies on them.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from components.shared.errors import InputError

_HALF, _FULL = "mixed_float16", "float32"
# By sequence length and precision.
_PerSetting = Mapping[tuple[int, str], float]
_TOLERATION = {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}

# The kernel and the firmware take some 2% of the memory before Kubernetes sees it. Of the rest
# GKE keeps this for the kubelet and the system: so many CPUs or GiB at these shares, one after
# the other (its documentation, "Plan node sizes"). DGX nodes are set up by hand and usually keep
# less. More is left for the node's daemons (logs, network, and on GPU nodes the device plugin and
# GPU feature discovery) and for Argo's container beside a step's.
_SEEN_MEMORY = 0.98
_RESERVED_CPUS = ((1, 0.06), (1, 0.01), (2, 0.005), (math.inf, 0.0025))
_RESERVED_MEMORY = ((4, 0.25), (4, 0.2), (8, 0.1), (112, 0.06), (math.inf, 0.02))
_EVICTION_GIB = 0.1
_DAEMON_CPUS, _DAEMON_CPUS_WITH_GPUS, _DAEMON_GIB = 0.5, 1.0, 1.0
# An MPIJob's step and launcher, which run beside the workers where there are no other machines.
_HELPER_CPUS, _HELPER_GIB = 0.2, 1.5


@dataclass(frozen=True, kw_only=True)
class Hardware:
    """What one machine has; a training step is one pod that takes it whole.

    CPUs and memory are the machine's; `room_cpus` and `room_gib` are what is left for pods.
    """

    name: str
    num_gpus: int
    """Of a machine."""
    gpu: str = ""
    gpu_memory_gib: int = 0
    precision: str = _FULL
    """What it trains fastest in."""
    num_cpus: int
    memory_gib: int
    shared_memory_gib: int
    """Of /dev/shm, a GiB a GPU: NVIDIA runs its BERT container with --shm-size=1g."""
    local_ssd_gib: int = 0
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: tuple[Mapping[str, str], ...] = ()
    large_batches: _PerSetting = field(default_factory=dict)
    """Rows of BERT-Large that a GPU runs at once in pretraining, as NVIDIA published."""
    squad_batches: Mapping[str, int] = field(default_factory=dict)
    """Windows per optimizer step over all GPUs, by precision, when NVIDIA fine-tuned BERT-Large."""
    large_rows_per_second: _PerSetting = field(default_factory=dict)
    """Of the whole machine with BERT-Large."""
    throughput_source: str = ""
    num_nodes: int = 1

    @property
    def num_processes(self) -> int:
        """Horovod processes: one a GPU."""
        return self.num_nodes * max(1, self.num_gpus)

    @property
    def room_cpus(self) -> float:
        """CPUs that all of a pipeline's pods on the machine can request together."""
        daemons = _DAEMON_CPUS_WITH_GPUS if self.num_gpus else _DAEMON_CPUS
        return self.num_cpus - _reserve(self.num_cpus, _RESERVED_CPUS) - daemons

    @property
    def room_gib(self) -> float:
        """GiB of memory that all of a pipeline's pods on the machine can request together."""
        reserved = _reserve(self.memory_gib, _RESERVED_MEMORY) + _EVICTION_GIB + _DAEMON_GIB
        return _SEEN_MEMORY * self.memory_gib - reserved

    @property
    def pod_cpus(self) -> int:
        """Whole CPUs that a pod alone on the machine can request."""
        return max(1, math.floor(self.room_cpus))

    @property
    def pod_memory_gib(self) -> int:
        """Memory that a pod alone on the machine can request, in whole GiB."""
        return max(1, math.floor(self.room_gib))

    @property
    def worker_cpus(self) -> int:
        """Whole CPUs that an MPIJob's worker can request."""
        helpers = 0.0 if self.num_gpus else _HELPER_CPUS
        return max(1, math.floor(self.room_cpus - helpers))

    @property
    def worker_memory_gib(self) -> int:
        """Memory that an MPIJob's worker can request, in whole GiB."""
        helpers = 0.0 if self.num_gpus else _HELPER_GIB
        return max(1, math.floor(self.room_gib - helpers))

    def describe(self) -> str:
        """Describe its GPUs to a person."""
        gpus = f"{self.num_gpus} {self.gpu} of {self.gpu_memory_gib} GB"
        if self.num_nodes == 1:
            return gpus if self.num_gpus else "no GPU"
        return f"{self.num_nodes} machines, each {f'of {gpus}' if self.num_gpus else 'without GPU'}"

    def supports(self, precision: str) -> bool:
        """Whether it computes in such numbers; V100 has no bfloat16."""
        return not (self.gpu == "V100" and precision == "mixed_bfloat16")


def _reserve(amount: float, shares: tuple[tuple[float, float], ...]) -> float:
    reserved = 0.0
    for size, share in shares:
        reserved += share * min(amount, size)
        amount = max(0.0, amount - size)
    return reserved


_DGX_1 = Hardware(
    name="dgx-1v-16g",
    num_gpus=8,
    gpu="V100",
    gpu_memory_gib=16,
    precision=_HALF,
    num_cpus=80,  # 2 Xeon E5-2698 v4: 40 cores, 80 threads
    memory_gib=512,
    shared_memory_gib=8,
    local_ssd_gib=7152,  # 4 x 1.92 TB
    node_selector={"nvidia.com/gpu.product": "Tesla-V100-SXM2-16GB"},
    tolerations=(_TOLERATION,),
    large_batches={(128, _HALF): 16, (512, _HALF): 4, (128, _FULL): 8, (512, _FULL): 2},
    squad_batches={_HALF: 8 * 4, _FULL: 8 * 2},
    large_rows_per_second={
        (128, _HALF): 1001.39, (384, _HALF): 189.77, (512, _HALF): 190.65,
        (128, _FULL): 285.79, (384, _FULL): 52.39, (512, _FULL): 69.53,
    },
    throughput_source="NVIDIA's BERT for TensorFlow 1, DGX-1 with 8 V100 of 16 GB",
)  # fmt: skip
_BATCHES_32_GB = {(128, _HALF): 64, (512, _HALF): 8, (128, _FULL): 32, (512, _FULL): 8}
_DGX_A100 = Hardware(
    name="dgx-a100",
    num_gpus=8,
    gpu="A100",
    gpu_memory_gib=40,
    precision="mixed_bfloat16",
    num_cpus=256,  # 2 EPYC 7742: 128 cores, 256 threads
    memory_gib=1024,
    shared_memory_gib=8,
    local_ssd_gib=14305,  # 4 x 3.84 TB
    node_selector={"nvidia.com/gpu.product": "NVIDIA-A100-SXM4-40GB"},
    tolerations=(_TOLERATION,),
    large_batches={(128, _HALF): 64, (512, _HALF): 16, (128, _FULL): 64, (512, _FULL): 8},
    squad_batches={_HALF: 8 * 32, _FULL: 8 * 16},
    large_rows_per_second={
        (128, _HALF): 2871.89, (384, _HALF): 767.071, (512, _HALF): 572.112,
        (128, _FULL): 1889.71, (384, _FULL): 440.47, (512, _FULL): 316.51,
    },
    throughput_source="NVIDIA's BERT for TensorFlow 1, DGX A100 with 8 A100 of 40 GB",
)  # fmt: skip
_GKE_TOLERATION = {
    "key": "nvidia.com/gpu", "operator": "Equal", "value": "present", "effect": "NoSchedule",
}  # fmt: skip
_RECORDS = (
    Hardware(name="cpu", num_gpus=0, num_cpus=2, memory_gib=8, shared_memory_gib=1),
    _DGX_1,
    replace(
        _DGX_1,
        name="dgx-1v-32g",
        gpu_memory_gib=32,
        node_selector={"nvidia.com/gpu.product": "Tesla-V100-SXM2-32GB"},
        large_batches=_BATCHES_32_GB,
        squad_batches={_HALF: 8 * 24, _FULL: 8 * 10},
        large_rows_per_second={
            (128, _HALF): 1443.05, (384, _HALF): 314.6, (512, _HALF): 255.64,
            (128, _FULL): 357.00, (384, _FULL): 79.37, (512, _FULL): 81.42,
        },
        throughput_source="NVIDIA's BERT for TensorFlow 1, DGX-1 with 8 V100 of 32 GB",
    ),
    replace(
        _DGX_1,
        name="dgx-2",
        num_gpus=16,
        gpu_memory_gib=32,
        num_cpus=96,  # 2 Xeon Platinum 8168: 48 cores, 96 threads
        memory_gib=1536,
        shared_memory_gib=16,
        local_ssd_gib=28610,  # 8 x 3.84 TB
        node_selector={"nvidia.com/gpu.product": "Tesla-V100-SXM3-32GB"},
        large_batches=_BATCHES_32_GB,
        squad_batches={_HALF: 16 * 24, _FULL: 16 * 8},
        large_rows_per_second={
            (128, _HALF): 3081.69, (384, _HALF): 683.37, (512, _HALF): 513.43,
            # NVIDIA ran 10 windows a GPU for this figure of length 384; its recipe has 8.
            (128, _FULL): 761.92, (384, _FULL): 156.29, (512, _FULL): 173.26,
        },
        throughput_source="NVIDIA's BERT for TensorFlow 1, DGX-2 with 16 V100 of 32 GB",
    ),
    _DGX_A100,
    replace(
        _DGX_1,
        name="gke-v100x8",
        num_cpus=96,  # n1-standard-96
        memory_gib=360,
        local_ssd_gib=375,  # one; up to 24 can be attached
        node_selector={
            "cloud.google.com/gke-accelerator": "nvidia-tesla-v100",
            "node.kubernetes.io/instance-type": "n1-standard-96",
        },
        tolerations=(_GKE_TOLERATION,),
        throughput_source=f"{_DGX_1.throughput_source}, the same GPUs",
    ),
    replace(
        _DGX_A100,
        name="gke-a2-megagpu-16g",
        num_gpus=16,
        num_cpus=96,
        memory_gib=1360,
        shared_memory_gib=16,
        local_ssd_gib=3000,  # 8 x 375 GiB, the most that can be attached
        node_selector={
            "cloud.google.com/gke-accelerator": "nvidia-tesla-a100",
            "node.kubernetes.io/instance-type": "a2-megagpu-16g",
        },
        tolerations=(_GKE_TOLERATION,),
        large_rows_per_second={
            key: 2 * rows for key, rows in _DGX_A100.large_rows_per_second.items()
        },
        throughput_source=f"{_DGX_A100.throughput_source}, doubled",
    ),
)  # fmt: skip
HARDWARE = {record.name: record for record in _RECORDS}


def find_hardware(name: str) -> Hardware:
    """The record of a name, `dgx-2`, or of several such machines, `dgx-2x4`.

    A name that ends in a number of GPUs is looked for as it is first: `gke-v100x8` is one
    machine, `gke-v100x8x2` are two.

    Raises:
        InputError: if there is none.
    """
    if name in HARDWARE:
        return HARDWARE[name]
    several = re.fullmatch(r"(.+)x([1-9][0-9]*)", name)
    if several is None or several[1] not in HARDWARE:
        raise InputError(
            f"hardware must be one of {', '.join(HARDWARE)}, or one of them with xN for N "
            f"machines (dgx-2x4), got {name!r}"
        )
    return replace(HARDWARE[several[1]], name=name, num_nodes=int(several[2]))
