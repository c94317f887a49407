"""Every call of Horovod: upstream it is dormant, so a successor would replace this file."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import horovod.tensorflow as hvd
import keras
import numpy as np
import tensorflow as tf

from components.shared.errors import PeerLostError
from components.shared.processes import mpirun
from components.shared.processes.cpus import count_cpus, take_share
from components.shared.processes.heartbeat import publish, pulse
from components.shared.processes.termination import watch_in_rank

_CPU_CYCLE_MILLISECONDS = "20"


def initialize(*, seed: int, precision: str) -> None:
    """Join the other processes, take one GPU each, and share the cores of the machine.

    Comes before the first layer is made: its weights and its precision depend on it.
    """
    watch_in_rank()
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        # Horovod's processes ask one another what is ready at each of its cycles, of 1
        # millisecond by default. That takes its time (0.3 ms a cycle was seen) from CPUs
        # which train; on the other hand an exchange begins with a cycle only.
        os.environ.setdefault("HOROVOD_CYCLE_TIME", _CPU_CYCLE_MILLISECONDS)
    hvd.init()
    publish(hvd.rank())
    if gpus:
        # One GPU a process: with all visible, each process would take memory on each.
        tf.config.set_visible_devices(gpus[hvd.local_rank()], "GPU")
        tf.config.experimental.set_memory_growth(gpus[hvd.local_rank()], True)
    # Processes that each start a thread for every core slow one another down.
    threads = max(1, count_cpus() // hvd.local_size())
    if not gpus and not mpirun.has_started_this():
        take_share(hvd.local_rank(), hvd.local_size())
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    keras.utils.set_random_seed(seed)
    keras.config.set_dtype_policy(precision)


def rank() -> int:
    """Return this process's rank, from 0."""
    return hvd.rank()


def size() -> int:
    """How many processes train together."""
    return hvd.size()


def device_name() -> str:
    """Return TensorFlow's name of this process's GPU; "" without one."""
    gpus = tf.config.get_visible_devices("GPU")
    details = tf.config.experimental.get_device_details(gpus[0]) if gpus else {}
    return str(details.get("device_name", ""))


def is_first_on_host() -> bool:
    """Whether this process does what one on each machine has to do."""
    return hvd.local_rank() == 0


def sum_over_processes(tensors: Sequence[Any], *, num_compressed: int = 0) -> list[Any]:
    """The element-wise sum of each tensor over all processes, in one exchange a type.

    Args:
        tensors: as many, of the same shapes and types, on every process.
        num_compressed: how many of the first of them travel as float16, whose range and
            digits must do for them.
    """
    if hvd.size() == 1:
        return list(tensors)
    halves = [tf.cast(tensor, tf.float16) for tensor in tensors[:num_compressed]]
    sums: list[Any] = []
    with _peers():
        # Grouped: one negotiation and one buffer, not one for each of hundreds of variables.
        for group in filter(None, (halves, list(tensors[num_compressed:]))):
            sums += hvd.grouped_allreduce(group, op=hvd.Sum)
    return [tf.cast(total, tensor.dtype) for total, tensor in zip(sums, tensors, strict=True)]


def copy_from_first(variables: Sequence[Any]) -> None:
    """Give every process the values of rank 0: each has drawn its own, the first restored."""
    if hvd.size() > 1:
        with _peers():
            hvd.broadcast_variables([variable.value for variable in variables], root_rank=0)


def tell_all(value: Any) -> Any:
    """Return the JSON value that rank 0 gives; the others' values are ignored.

    Not Horovod's broadcast_object, which unpickles what comes over the network.
    """
    content = _encode(value)
    if hvd.size() > 1:
        with _peers(), tf.device("CPU"):
            size = hvd.broadcast(tf.constant(content.size, tf.int64), root_rank=0, name="size")
            own = content if hvd.rank() == 0 else np.zeros(int(size), np.uint8)
            content = hvd.broadcast(tf.constant(own), root_rank=0, name="value").numpy()
    return json.loads(content.tobytes())


def gather(value: Any) -> list[Any]:
    """Return the JSON value that every process gives, by rank."""
    content = _encode(value)
    if hvd.size() == 1:
        return [json.loads(content.tobytes())]
    with _peers(), tf.device("CPU"):
        sizes = hvd.allgather(tf.constant([content.size], tf.int64), name="sizes").numpy()
        contents = hvd.allgather(tf.constant(content), name="values").numpy()
    ends = np.cumsum(sizes)
    return [json.loads(one.tobytes()) for one in np.split(contents, ends[:-1])]


def _encode(value: Any) -> np.ndarray:
    return np.frombuffer(json.dumps(value).encode("ascii"), np.uint8)


def wait_for_all() -> None:
    """Return once every process has come here."""
    # Horovod for TensorFlow has no barrier; a sum needs everybody just as well.
    sum_over_processes([tf.constant(0.0)])


@contextmanager
def _peers() -> Iterator[None]:
    """Say that this process waits for others, and tell a peer's end from a fault of its own."""
    try:
        with pulse.waiting():
            yield
    except (hvd.elastic.HorovodInternalError, tf.errors.UnknownError) as error:
        raise PeerLostError("another process ended while this one waited for it") from error
