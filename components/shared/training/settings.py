"""The settings that every training stage has; free of TensorFlow."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from components.shared.errors import InputError
from components.shared.mpijob.worker_pod import WorkerPod
from components.shared.storage.locations import expect_path_or_bucket

PRECISIONS = ("float32", "mixed_float16", "mixed_bfloat16")
_CHOICES = {
    "optimizer": ("lamb", "adamw"),
    "precision": PRECISIONS,
    "xla": ("auto", "on", "off"),
}
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


@dataclass(frozen=True, kw_only=True)
class TrainingConfig(ABC):
    """Outputs and settings that pretraining and fine-tuning share."""

    metrics_output: ClassVar[str]
    """The stage's field, and so the artifact, that takes the last losses and the speed."""

    checkpoint: Path
    """Output: the checkpoint folder."""
    history: Path
    """Output: losses and speed over the steps, JSON lines."""

    global_batch_size: int
    """Sequences or rows of one update, over all processes."""
    micro_batch_size: int
    """Most of them that one process runs at once; the rest is accumulated."""
    learning_rate: float
    """Peak learning rate for the whole global batch."""
    warmup_rate: float
    """Fraction of the steps in which the learning rate grows."""
    optimizer: str
    """lamb or adamw."""
    precision: str = "float32"
    """float32, mixed_float16 (V100) or mixed_bfloat16 (A100, H100, recent CPUs)."""
    xla: str = "auto"
    """Compile with XLA: on, off, or auto (on for GPUs; on CPUs the elementwise parts)."""
    compress_gradients: bool = False
    """Exchange gradients as float16, half the bytes; the loss is scaled then, so that small
    ones are not lost."""
    num_processes: int = 1
    """Horovod processes over all nodes: one a GPU, or to share the cores of a CPU."""
    num_nodes: int = 1
    """Machines that train. Above one the stage, in a pod of a cluster, has an MPIJob train with
    num_processes / num_nodes processes on each."""
    worker_pod: str = ""
    """Above one node: JSON of what each machine's pod asks for; its keys are the fields of
    `components.shared.mpijob.worker_pod.WorkerPod`. "" asks for nothing."""
    pending_timeout_seconds: float = 3600.0
    """Above one node: how long pods may wait for a place or an image before the stage gives up."""
    job_timeout_seconds: int = 1209600
    """Above one node: how long the MPIJob may run in all; two weeks."""
    checkpoint_every_steps: int = 200
    """Updates between two checkpoints of the run under way."""
    num_checkpoints_kept: int = 2
    """How many of those are kept, the newest."""
    checkpoint_directory: str = ""
    """Folder, gs:// or s3:// URL under which each step keeps those in a subfolder; "" is beside
    the output. The same command resumes from them. Only here does the last one stay."""
    tensorboard_directory: str = ""
    """Folder under which each step writes TensorBoard's events in a subfolder while it trains;
    "" writes none."""
    hang_timeout_seconds: float = 30.0
    """How long a process may stand still before all are ended; from the first update on, and
    the longest update comes on top."""
    max_restarts: int = 3
    """How many times in a row a training that died or hung is restarted without reaching a newer
    checkpoint; 0 never restarts it."""
    log_every_steps: int = 10
    """Updates between two lines of the history."""
    seed: int = 12345
    """Equal seed, input and number of processes give equal results."""

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise InputError(
                    f"{name} must be one of {', '.join(choices)}, got {getattr(self, name)!r}"
                )
        for name, least in _LEAST.items():
            if getattr(self, name) < least:
                raise InputError(f"{name} must be {least} or more, got {getattr(self, name)}")
        if not 0 <= self.warmup_rate < 1:
            raise InputError(
                f"warmup_rate must be from 0 up to but not 1, got {self.warmup_rate}; BERT: 0.1"
            )
        if self.hang_timeout_seconds < _MIN_HANG_TIMEOUT_SECONDS:
            raise InputError(
                f"hang_timeout_seconds must be {_MIN_HANG_TIMEOUT_SECONDS:.0f} or more, got "
                f"{self.hang_timeout_seconds}; a busy machine leaves a process waiting for seconds"
            )
        if self.pending_timeout_seconds <= 0:
            raise InputError(
                f"pending_timeout_seconds must be above 0, got {self.pending_timeout_seconds}"
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
        if self.learning_rate <= 0:
            raise InputError(f"learning_rate must be above 0, got {self.learning_rate}")
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
        """What runs this training, but for its flags."""
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
        f"{micro_batch_size} on each of num_processes {num_processes}; the nearest that can: "
        f"{nearest}"
    )
