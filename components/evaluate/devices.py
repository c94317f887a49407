"""Loads a model where it is to predict: with TensorFlow on GPUs, with OpenVINO on a CPU."""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Literal

import tensorflow as tf

from components.evaluate.replicas import Replicas
from components.shared.checkpoints.checkpoint import (
    Checkpoint,
    expect_no_problems,
    find_misfits,
)
from components.shared.checkpoints.onnx_graph import make_onnx
from components.shared.checkpoints.weights import Weights, open_weights
from components.shared.openvino_engine import Engine, Precision, can_compute
from components.shared.processes.cpus import count_cpus
from components.shared.tensorflow_engine import (
    MakeModel,
    architecture_of,
    list_devices,
    load_models,
)

# Of Keras's precisions those that OpenVINO computes on a CPU; float16 is left to TensorFlow.
_OPENVINO_PRECISIONS: Mapping[str, Literal["float32", "bfloat16"]] = {
    "float32": "float32",
    "mixed_bfloat16": "bfloat16",
}


def load_replicas(checkpoint: Checkpoint, *, num_labels: int | None, precision: str) -> Replicas:
    """Load a model on each GPU, or on the CPU of a machine without GPUs.

    Args:
        checkpoint: where its weights are.
        num_labels: of a classifier; None for a model that answers questions.
        precision: of its arithmetic.

    Raises:
        InputError: if the checkpoint is of another architecture or task.
    """
    if _uses_openvino(precision):
        return _load_on_openvino(checkpoint, num_labels, _OPENVINO_PRECISIONS[precision])
    make_model = architecture_of(checkpoint, num_labels=num_labels)
    return load_on_tensorflow(checkpoint, make_model, precision=precision)


def load_on_tensorflow(
    checkpoint: Checkpoint, make_model: MakeModel, *, precision: str
) -> Replicas:
    """Load a model with TensorFlow on each GPU, or on the CPU of a machine without GPUs.

    See `load_models`.
    """
    return Replicas(load_models(checkpoint, make_model, precision=precision))


def describe_devices(precision: str) -> Mapping[str, str | int]:
    """Return what the speed is measured on, and the library that computes."""
    devices = list_devices()
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        name = tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU")
    else:
        name = f"CPU, {count_cpus()} cores"
    library = f"TensorFlow {tf.__version__}"
    if _uses_openvino(precision):
        library = f"OpenVINO {version('openvino')}"
    several = {"devices": len(devices)} if len(devices) > 1 else {}
    return {"device": name, "computed_by": library} | several


def _uses_openvino(precision: str) -> bool:
    own_name = _OPENVINO_PRECISIONS.get(precision)
    # GPUs, or a test's several devices on one CPU, are TensorFlow's.
    is_one_cpu = [device.device_type for device in list_devices()] == ["CPU"]
    return own_name is not None and is_one_cpu and can_compute(own_name)


def _load_on_openvino(
    checkpoint: Checkpoint, num_labels: int | None, precision: Precision
) -> Replicas:
    weights = open_weights(checkpoint.folder)
    _expect_head(weights, checkpoint, num_labels)
    graph = make_onnx(weights, checkpoint.config, folder=checkpoint.folder)
    return Replicas([Engine(graph, precision=precision, num_streams=1).run])


def _expect_head(weights: Weights, checkpoint: Checkpoint, num_labels: int | None) -> None:
    name, num_outputs = (
        ("cls/squad/output_weights", 2) if num_labels is None else ("output_weights", num_labels)
    )
    expected = {name: (num_outputs, checkpoint.config.hidden_size)}
    expect_no_problems(checkpoint.folder, find_misfits(weights, expected))
