"""The peer in serving: ONNX Runtime, in float32 and with weights of 8 bits, ready to measure.

Runs in the environment of images/evaluate with its test group, started by serve.py.
"""

import argparse
from pathlib import Path

import numpy as np
import onnxruntime
from onnxruntime.quantization import quantize_dynamic

from tests.benchmarks.measuring.workers import serve


def main() -> None:
    """Offer a batch of each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--precision", choices=["float32", "int8"])
    parser.add_argument("--length", type=int)
    parser.add_argument("--batch-sizes", type=int, nargs="*")
    arguments = parser.parse_args()
    path = arguments.folder / "model.onnx"
    if arguments.precision == "int8":
        quantized = arguments.folder / "model-int8.onnx"
        quantize_dynamic(path, quantized)
        path = quantized
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    def run(batch_size: int) -> None:
        ids = np.random.default_rng(1).integers(5, 30000, (batch_size, arguments.length))
        inputs = {"token_ids": ids, "segment_ids": np.zeros_like(ids)}
        session.run(None, {name: values.astype(np.int32) for name, values in inputs.items()})

    serve({}, {str(size): lambda size=size: run(size) for size in arguments.batch_sizes})


if __name__ == "__main__":
    main()
