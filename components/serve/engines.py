"""Loads a model where it is to be computed: with TensorFlow on GPUs, with OpenVINO on CPUs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from components.serve.config import ServeConfig
from components.serve.cpu_graph import choose_graph
from components.shared.checkpoints.checkpoint import Checkpoint
from components.shared.checkpoints.description import ONNX_FILE, Description
from components.shared.errors import InputError
from components.shared.openvino_engine import Engine

if TYPE_CHECKING:
    import tensorflow as tf

Run = Callable[[Mapping[str, np.ndarray]], list[np.ndarray]]
"""Computes a batch: of int32 [B, L] token_ids and segment_ids the float32 start and end logits
[B, L], or the logits [B, C]."""

_TENSORFLOW_POLICIES = {
    "float32": "float32",
    "bfloat16": "mixed_bfloat16",
    "float16": "mixed_float16",
}
# V100 has 7.0, A100 8.0.
_FIRST_CAPABILITY_WITH_BFLOAT16 = (8, 0)


@dataclass(frozen=True)
class LoadedModel:
    """A model that is ready to compute."""

    description: Description
    run: Run
    """`num_streams` threads may call it at once."""
    num_streams: int
    precision: str
    engine: str
    """The library and the devices, for the log."""
    reason: str = ""
    """Why it is computed in this precision, for the log."""


def load_model(folder: Path, config: ServeConfig) -> LoadedModel:
    """Load the model of a folder; the folder is not needed any more then.

    Raises:
        InputError: if it is not whole, or can't be computed as the config wants.
    """
    if config.engine == "tensorflow" and find_spec("tensorflow") is None:
        raise InputError(
            "engine tensorflow: TensorFlow is not installed here; the image serve built with "
            "VARIANT=gpu has it"
        )
    if config.engine == "tensorflow" or (config.engine == "auto" and _find_gpus()):
        return _load_on_tensorflow(folder, config)
    return _load_on_openvino(folder, config)


def _load_on_openvino(folder: Path, config: ServeConfig) -> LoadedModel:
    if config.precision == "float16":
        raise InputError("precision float16 is for GPUs; give bfloat16, float32 or auto")
    chosen = choose_graph(folder, config.precision)
    engine = Engine(chosen.graph, precision=chosen.precision, num_streams=config.num_streams)
    return LoadedModel(
        chosen.description,
        engine.run,
        config.num_streams,
        chosen.precision,
        "OpenVINO on the CPU",
        chosen.reason,
    )


def _load_on_tensorflow(folder: Path, config: ServeConfig) -> LoadedModel:
    from components.shared.tensorflow_engine import (
        TensorFlowEngine,
        architecture_of,
        load_models,
    )

    if config.precision == "int8":
        raise InputError("precision int8 is OpenVINO's; give engine openvino, or another precision")
    if (folder / ONNX_FILE).exists():
        raise InputError(
            f"{folder}: an exported {ONNX_FILE}, which OpenVINO computes; give the checkpoint "
            "that it was made of, or engine openvino"
        )
    checkpoint = Checkpoint.read(folder)
    labels = checkpoint.labels
    make_model = architecture_of(checkpoint, num_labels=None if labels is None else len(labels))
    precision: str = config.precision
    if precision == "auto":
        precision = fastest_precision(_list_capabilities())
    models = load_models(checkpoint, make_model, precision=_TENSORFLOW_POLICIES[precision])
    engine = TensorFlowEngine(models)
    where = f"{len(models)} GPUs" if _find_gpus() else "the CPU"
    name = f"TensorFlow on {where}"
    return LoadedModel(checkpoint, engine.run, len(models), precision, name)


def fastest_precision(capabilities: Sequence[tuple[int, int]]) -> str:
    """Return the fastest precision of GPUs with these compute capabilities; float32 without one."""
    if not capabilities:
        return "float32"
    return "bfloat16" if min(capabilities) >= _FIRST_CAPABILITY_WITH_BFLOAT16 else "float16"


def _list_capabilities() -> list[tuple[int, int]]:
    import tensorflow as tf

    describe = tf.config.experimental.get_device_details
    return [describe(gpu).get("compute_capability", (0, 0)) for gpu in _find_gpus()]


def _find_gpus() -> "list[tf.config.PhysicalDevice]":
    """The GPUs that TensorFlow sees; none where it is not installed."""
    if find_spec("tensorflow") is None:
        return []
    import tensorflow as tf

    return tf.config.list_physical_devices("GPU")
