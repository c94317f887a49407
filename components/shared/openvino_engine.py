"""Computes a model on the CPU with OpenVINO."""

import io
import queue
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np
import onnx
import openvino

from components.shared.errors import InputError
from components.shared.processes.cpus import count_cpus

Precision = Literal["float32", "bfloat16", "int8"]
_PRECISION_TO_CAPABILITY = {"float32": "FP32", "bfloat16": "BF16"}
# As Linux calls them: on AMX, VNNI of AVX-512 and VNNI of AVX2. OpenVINO computes int8 on every
# CPU and says so, but without them it is no faster.
_INT8_INSTRUCTIONS = ("amx_int8", "avx512_vnni", "avx_vnni")
CPU_INFO = Path("/proc/cpuinfo")
"""Linux's description of the CPUs."""
_DEVICE = "CPU"


def choose_precision(wanted: Literal["auto"] | Precision, graph: onnx.ModelProto) -> Precision:
    """The precision to compute a graph in.

    For auto it is that of a graph with int8 weights; of another, bfloat16 where the CPU computes
    it faster, else float32.

    Raises:
        InputError: if the graph can't be computed in the precision.
    """
    if any(node.op_type == "QuantizeLinear" for node in graph.graph.node):
        if wanted not in ("auto", "int8"):
            raise InputError(f"precision {wanted}: the model's graph is int8; give auto or int8")
        return "int8"
    if wanted == "int8":
        raise InputError(
            "precision int8: the model has no int8 graph; `python -m components.evaluate quantize` "
            "makes one, and so does a pipeline with the parameter quantize"
        )
    if wanted == "auto":
        return "bfloat16" if is_bfloat16_fast() else "float32"
    return wanted


def can_compute(precision: Literal["float32", "bfloat16"]) -> bool:
    """Whether the CPU has instructions for a precision."""
    capabilities = openvino.Core().get_property(_DEVICE, "OPTIMIZATION_CAPABILITIES")
    return _PRECISION_TO_CAPABILITY[precision] in capabilities


def find_int8_instructions() -> str:
    """Return the name of the CPU's fastest instructions for int8; "" if it has none."""
    flags = _read_cpu_info().get("flags", "").split()
    return next((name for name in _INT8_INSTRUCTIONS if name in flags), "")


def is_bfloat16_fast() -> bool:
    """Whether the CPU computes faster in bfloat16 than in float32.

    AVX512_BF16 alone doubles the products of AMD's CPUs (Zen 4 and later), but not of Intel's: on
    an Emerald Rapids without AMX, BERT-Base computes 2.0 windows of 384 tokens per second in
    bfloat16 and 3.4 in float32.
    """
    info = _read_cpu_info()
    flags = info.get("flags", "").split()
    is_amd = info.get("vendor_id") == "AuthenticAMD"
    return "amx_bf16" in flags or (is_amd and "avx512_bf16" in flags)


def _read_cpu_info() -> dict[str, str]:
    """Return the fields of a CPU; all CPUs of a machine have the same flags."""
    lines = CPU_INFO.read_text("utf-8").splitlines()
    fields = (line.partition(":") for line in lines)
    return {name.strip(): value.strip() for name, _, value in fields}


class Engine:
    """A compiled model; several threads may run it."""

    def __init__(self, graph: onnx.ModelProto, *, precision: Precision, num_streams: int) -> None:
        """Compile a model.

        Args:
            graph: from `make_onnx`, or its int8 form.
            precision: of its arithmetic; what lies between the products of an int8 graph is
                computed in bfloat16 where that is fast.
            num_streams: batches that are computed at the same time, sharing the CPUs.
        """
        in_bfloat16 = precision == "bfloat16" or (precision == "int8" and is_bfloat16_fast())
        settings = {
            "INFERENCE_PRECISION_HINT": "bf16" if in_bfloat16 else "f32",
            "NUM_STREAMS": num_streams,
            # A container sees all of its node's CPUs.
            "INFERENCE_NUM_THREADS": count_cpus(),
        }
        core = openvino.Core()
        model = core.read_model(io.BytesIO(graph.SerializeToString()))
        compiled = core.compile_model(model, _DEVICE, settings)
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
