"""The settings that every training stage has; free of TensorFlow."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from components.shared.bert.config import Precision
from components.shared.errors import InputError
from components.shared.mpijob.worker_pod import WorkerPod
from components.shared.stage.settings import Rare, expect_choices
from components.shared.storage.locations import expect_path_or_bucket

Optimizer = Literal["lamb", "adamw"]
_LEAST = {
    "global_batch_size": 1,
    "micro_batch_size": 1,
    "num_processes": 1,
    "num_nodes": 1,
    "job_timeout_seconds": 1,
    "checkpoint_every_steps": 1,
    "num_checkpoints_kept": 1,
    "max_restarts": 0,
    "log_every_steps": 1,
    "seed": 0,
}
_MIN_HANG_TIMEOUT_SECONDS = 5.0
_MAX_TIMEOUT_SECONDS = 31_536_000  # a year


@dataclass(frozen=True, kw_only=True)
class TrainingConfig(ABC):
    """Outputs and settings that pretraining and fine-tuning share."""

    metrics_output: ClassVar[str]
    """The field, and so the artifact, that takes the last losses and the speed."""

    checkpoint: Path
    """Output: checkpoint folder with Google's variable names, bert_config.json and vocab.txt."""
    history: Path
    """Output: losses and speed by optimizer step, JSON lines."""

    global_batch_size: int
    """Sequences per optimizer step, over all ranks."""
    micro_batch_size: int
    """Maximum per-device batch size; larger batches use gradient accumulation."""
    learning_rate: float
    """Peak learning rate for the whole global batch."""
    warmup_rate: float
    """Fraction of the optimizer steps in which the learning rate rises to its peak."""
    optimizer: Optimizer
    """Optimizer; lamb is NVIDIA's NVLAMB."""
    precision: Precision = "float32"
    """Arithmetic precision: mixed_float16 suits V100; mixed_bfloat16 suits A100, H100, Intel's
    CPUs with AMX, and AMD's since Zen 4."""
    xla: Rare[Literal["auto", "on", "off"]] = "auto"
    """Compile with XLA; auto compiles everything on GPUs, and on CPUs only elementwise parts and
    the optimizer of models above 20 million weights."""
    compress_gradients: Rare[bool] = False
    """All-reduce gradients in float16, which halves the traffic between ranks; the loss is scaled
    so that small gradients survive."""
    num_processes: int = 1
    """Horovod ranks over all nodes: one per GPU (8 on a DGX-1V, 16 on a DGX-2); 1 or 2 on a CPU."""
    num_nodes: Rare[int] = 1
    """Machines that train. Above 1, the step creates an MPIJob that runs num_processes / num_nodes
    ranks on each node; the pipeline root must then be in a bucket."""
    worker_pod: Rare[str] = ""
    """With several nodes: what each pod of the MPIJob requests, as JSON with Kubernetes field
    names (nodeSelector, tolerations, affinity, resources, env, labels, annotations,
    priorityClassName, schedulerName, runtimeClassName) and sharedMemory, the size of /dev/shm.
    Empty requests nothing."""
    pending_timeout_seconds: Rare[float] = 3600.0
    """With several nodes: how long pods may wait for scheduling or images without progress before
    the step fails and says why."""
    job_timeout_seconds: Rare[int] = 1209600
    """With several nodes: time limit of the MPIJob; the default is two weeks."""
    checkpoint_every_steps: Rare[int] = 200
    """Optimizer steps between checkpoints of a running training."""
    num_checkpoints_kept: Rare[int] = 2
    """How many of the newest checkpoints to keep while training."""
    checkpoint_directory: str = ""
    """Folder on a mounted volume, or gs:// or s3:// URL, for the checkpoints of a running
    training; each step has its own subfolder. A new pod, or the same command, resumes from them.
    Concurrent runs need separate directories. The last checkpoint stays. Empty keeps checkpoints
    beside the output, where a pod loses them."""
    tensorboard_directory: Rare[str] = ""
    """Folder on a mounted volume for TensorBoard events; each step has its own subfolder. Empty
    writes none."""
    hang_timeout_seconds: Rare[float] = 30.0
    """How long a rank may make no progress, beyond the longest optimizer step so far, before all
    ranks are stopped."""
    max_restarts: Rare[int] = 3
    """How many times in a row a crashed or hung training restarts in its pod without reaching a
    newer checkpoint; 0 never restarts."""
    log_every_steps: Rare[int] = 10
    """Optimizer steps between lines of the history."""
    seed: int = 12345
    """Random seed. Equal seed, input, settings and number of ranks give equal results."""

    def __post_init__(self) -> None:
        expect_choices(self)
        for name, least in _LEAST.items():
            if getattr(self, name) < least:
                raise InputError(f"{name} must be {least} or more, got {getattr(self, name)}")
        if not 0 <= self.warmup_rate < 1:
            raise InputError(
                f"warmup_rate must be at least 0 and below 1, got {self.warmup_rate}; BERT: 0.1"
            )
        if not _MIN_HANG_TIMEOUT_SECONDS <= self.hang_timeout_seconds <= _MAX_TIMEOUT_SECONDS:
            raise InputError(
                f"hang_timeout_seconds must be {_MIN_HANG_TIMEOUT_SECONDS:.0f} or more, at most "
                f"{_MAX_TIMEOUT_SECONDS}, got {self.hang_timeout_seconds}; a busy machine leaves a "
                "process waiting for seconds"
            )
        if not 0 < self.pending_timeout_seconds <= _MAX_TIMEOUT_SECONDS:
            raise InputError(
                f"pending_timeout_seconds must be above 0 and at most {_MAX_TIMEOUT_SECONDS}, got "
                f"{self.pending_timeout_seconds}"
            )
        if self.num_processes % self.num_nodes:
            raise InputError(
                f"num_processes {self.num_processes} can't be shared evenly by num_nodes "
                f"{self.num_nodes}; it counts the processes of all nodes"
            )
        if self.worker_pod:
            WorkerPod.parse(self.worker_pod)
        expect_path_or_bucket("checkpoint_directory", self.checkpoint_directory)
        if "://" in self.tensorboard_directory:
            raise InputError(
                "tensorboard_directory must be a folder (on a mounted volume), got "
                f"{self.tensorboard_directory!r}"
            )
        if not 0 < self.learning_rate < math.inf:  # NaN is neither
            raise InputError(f"learning_rate must be above 0 and finite, got {self.learning_rate}")
        self.split_batch(self.num_processes)

    @property
    def metrics(self) -> Path:
        """The path of the stage's `metrics_output`."""
        path: Path = getattr(self, self.metrics_output)
        return path

    def split_batch(self, num_processes: int) -> tuple[int, int]:
        """Cut the global batch: micro-batches of each process, and the size of one.

        Raises:
            InputError: see the function `split_batch`.
        """
        return split_batch(
            self.global_batch_size,
            micro_batch_size=self.micro_batch_size,
            num_processes=num_processes,
        )

    @property
    def step_checkpoints(self) -> str:
        """The place of the run under way's checkpoints: a folder, gs:// or s3://."""
        if self.checkpoint_directory:
            return f"{self.checkpoint_directory.rstrip('/')}/{self.step_name}"
        return str(self.checkpoint.with_name(f"{self.checkpoint.name}-steps"))

    @property
    def events(self) -> Path | None:
        """The folder of TensorBoard's events, if they are wanted."""
        directory = self.tensorboard_directory
        return Path(directory) / self.step_name if directory else None

    @property
    def command(self) -> list[str]:
        """Return the command that runs this training, without its flags."""
        return ["python", "-m", ".".join(type(self).__module__.split(".")[:2])]

    @property
    @abstractmethod
    def step_name(self) -> str:
        """Tells this step of the pipeline from the others."""


def split_batch(
    global_batch_size: int, *, micro_batch_size: int, num_processes: int
) -> tuple[int, int]:
    """Cut a global batch exactly: micro-batches of each process, and the size of one.

    The size is the largest up to micro_batch_size that divides a process's share.

    Raises:
        InputError: naming the nearest global batches that can be cut, if the processes cannot
            share this one evenly, or a share only divides into much smaller micro-batches
            than allowed, which would leave a GPU mostly idle.
    """
    share, rest = divmod(global_batch_size, num_processes)
    if not rest:
        most = min(micro_batch_size, share)
        size = max(n for n in range(1, most + 1) if share % n == 0)
        if 2 * size >= most:
            return share // size, size
    full = num_processes * micro_batch_size
    unit = full if global_batch_size >= full else num_processes
    below = global_batch_size // unit * unit
    nearest = " and ".join(str(n) for n in (below, below + unit) if n)
    raise InputError(
        f"global_batch_size {global_batch_size} cannot be cut into micro-batches of up to "
        f"{micro_batch_size} on each of num_processes {num_processes}; nearest valid sizes: "
        f"{nearest}"
    )
