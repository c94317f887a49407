"""Computes a model on the CPU with OpenVINO."""

import io
import queue
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Literal

import numpy as np
import onnx
import openvino

from components.shared.processes.cpus import count_cpus

Precision = Literal["float32", "bfloat16"]
_PRECISION_TO_HINT: Mapping[Precision, str] = {"float32": "f32", "bfloat16": "bf16"}
_DEVICE = "CPU"


def choose_precision(wanted: Literal["auto"] | Precision) -> Precision:
    """The precision to compute in: for auto, bfloat16 where the CPU has AMX or AVX512_BF16."""
    if wanted != "auto":
        return wanted
    capabilities = openvino.Core().get_property(_DEVICE, "OPTIMIZATION_CAPABILITIES")
    return "bfloat16" if "BF16" in capabilities else "float32"


class Engine:
    """A compiled model; several threads may run it."""

    def __init__(self, model: onnx.ModelProto, *, precision: Precision, num_streams: int) -> None:
        """Compile a model.

        Args:
            model: from `make_onnx`.
            precision: of its arithmetic.
            num_streams: batches that are computed at the same time, sharing the CPUs.
        """
        core = openvino.Core()
        settings = {
            "INFERENCE_PRECISION_HINT": _PRECISION_TO_HINT[precision],
            "NUM_STREAMS": num_streams,
            # A container sees all of its node's CPUs.
            "INFERENCE_NUM_THREADS": count_cpus(),
        }
        graph = core.read_model(io.BytesIO(model.SerializeToString()))
        compiled = core.compile_model(graph, _DEVICE, settings)
        self._idle: queue.SimpleQueue[openvino.InferRequest] = queue.SimpleQueue()
        for _ in range(num_streams):
            self._idle.put(compiled.create_infer_request())

    def run(self, arrays: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """Compute a batch: int32 [B, L] token_ids and segment_ids, 0 in padding.

        Returns:
            float32 start and end logits [B, L], or logits [B, C].
        """
        with self._take_request() as request:
            outputs = request.infer(dict(arrays))
            # Copied: the next batch is computed into the same memory.
            return [np.array(output) for output in outputs.to_tuple()]

    @contextmanager
    def _take_request(self) -> Iterator[openvino.InferRequest]:
        request = self._idle.get()
        try:
            yield request
        finally:
            self._idle.put(request)
