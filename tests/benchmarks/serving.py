"""This project's engine with a model of random weights, ready to measure.

Runs in the environment of images/serve, started by serve.py. `write` makes the model, in
transformers' format, and its graph in ONNX.
"""

import argparse
from pathlib import Path

import numpy as np
import onnx

from components.shared.bert.config import BertConfig
from components.shared.checkpoints.checkpoint import Checkpoint
from components.shared.checkpoints.onnx_graph import make_onnx
from components.shared.checkpoints.weights import open_weights
from components.shared.openvino_engine import Engine, choose_precision
from components.shared.tokens.vocabulary import SPECIAL_PIECES
from tests.benchmarks.workers import serve
from tests.components.serve.models import SIZES, write_model

NUM_PIECES = 30522


def make_arrays(batch_size: int, length: int) -> dict[str, np.ndarray]:
    """Rows without padding, a question of 20 tokens first."""
    shape = (batch_size, length)
    token_ids = np.random.default_rng(1).integers(len(SPECIAL_PIECES), NUM_PIECES, shape)
    segment_ids = np.broadcast_to(np.arange(length) >= 20, shape)
    arrays = {"token_ids": token_ids, "segment_ids": segment_ids}
    return {name: values.astype(np.int32) for name, values in arrays.items()}


def write(folder: Path, preset: str) -> None:
    """Write the model to folder/model and its graph to folder/model.onnx."""
    config = BertConfig.preset(preset, vocab_size=NUM_PIECES)
    sizes = {name: getattr(config, name) for name in SIZES}
    words = [f"word{number}" for number in range(NUM_PIECES - len(SPECIAL_PIECES))]
    model = write_model(folder / "model", sizes=sizes, pieces=[*SPECIAL_PIECES, *words])
    onnx.save_model(_make_graph(model), folder / "model.onnx")


def _make_graph(folder: Path) -> onnx.ModelProto:
    return make_onnx(open_weights(folder), Checkpoint.read(folder).config, folder=folder)


def main() -> None:
    """Offer a batch of each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--write", metavar="PRESET")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--length", type=int)
    parser.add_argument("--batch-sizes", type=int, nargs="*")
    arguments = parser.parse_args()
    if arguments.write:
        write(arguments.folder, arguments.write)
        return
    graph = _make_graph(arguments.folder / "model")
    precision = choose_precision(arguments.precision, graph)
    engine = Engine(graph, precision=precision, num_streams=1)
    batches = {str(size): make_arrays(size, arguments.length) for size in arguments.batch_sizes}
    serve(
        {"precision": precision},
        {name: lambda arrays=arrays: engine.run(arrays) for name, arrays in batches.items()},
    )


if __name__ == "__main__":
    main()
