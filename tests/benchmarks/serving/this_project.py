"""This project's engine with a model of random weights, ready to measure.

Runs in the environment of images/serve, started by serve.py. `write` makes the model, in
transformers' format, its graph in ONNX, and questions to quantize it with.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import onnx

from components.serve.cpu_graph import choose_graph
from components.shared.bert.config import BertConfig
from components.shared.checkpoints.checkpoint import Checkpoint
from components.shared.checkpoints.onnx_graph import make_onnx
from components.shared.checkpoints.weights import open_weights
from components.shared.openvino_engine import Engine
from components.shared.tokens.vocabulary import SPECIAL_PIECES
from tests.benchmarks.measuring.workers import serve
from tests.components.serve.models import SIZES, write_model

NUM_PIECES = 30522
NUM_WORDS = NUM_PIECES - len(SPECIAL_PIECES)
NUM_QUESTION_WORDS, NUM_CONTEXT_WORDS = 20, 361  # a window of 384 tokens
# Enough to calibrate on; those to answer only show that the graph runs.
NUM_QUESTIONS = {"train": 32, "dev": 8}


def make_arrays(batch_size: int, length: int) -> dict[str, np.ndarray]:
    """Rows without padding, a question of 20 tokens first."""
    shape = (batch_size, length)
    token_ids = np.random.default_rng(1).integers(len(SPECIAL_PIECES), NUM_PIECES, shape)
    segment_ids = np.broadcast_to(np.arange(length) >= 20, shape)
    arrays = {"token_ids": token_ids, "segment_ids": segment_ids}
    return {name: values.astype(np.int32) for name, values in arrays.items()}


def write(folder: Path, preset: str) -> None:
    """Write the model to folder/model, its graph beside it, and questions to folder/squad."""
    config = BertConfig.preset(preset, vocab_size=NUM_PIECES)
    sizes = {name: getattr(config, name) for name in SIZES}
    words = [f"word{number}" for number in range(NUM_WORDS)]
    model = write_model(folder / "model", sizes=sizes, pieces=[*SPECIAL_PIECES, *words])
    graph = make_onnx(open_weights(model), Checkpoint.read(model).config, folder=model)
    onnx.save_model(graph, folder / "model.onnx")
    (folder / "squad").mkdir()
    for name, count in NUM_QUESTIONS.items():
        text = json.dumps({"version": "1.1", "data": [{"title": "", "paragraphs": _ask(count)}]})
        (folder / "squad" / f"{name}.json").write_text(text, encoding="utf-8")


def _ask(count: int) -> list[dict[str, object]]:
    """Return paragraphs of random words with a question each, in SQuAD's form."""
    generator = np.random.default_rng(1)

    def draw(num_words: int) -> str:
        return " ".join(f"word{number}" for number in generator.integers(NUM_WORDS, size=num_words))

    paragraphs: list[dict[str, object]] = []
    for number in range(count):
        context = draw(NUM_CONTEXT_WORDS)
        answer = {"text": context.partition(" ")[0], "answer_start": 0}
        question = {"id": str(number), "question": draw(NUM_QUESTION_WORDS), "answers": [answer]}
        paragraphs.append({"context": context, "qas": [question]})
    return paragraphs


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
    chosen = choose_graph(arguments.folder / "quantized", arguments.precision)
    engine = Engine(chosen.graph, precision=chosen.precision, num_streams=1)
    batches = {str(size): make_arrays(size, arguments.length) for size in arguments.batch_sizes}
    serve(
        {"precision": chosen.precision},
        {name: lambda arrays=arrays: engine.run(arrays) for name, arrays in batches.items()},
    )


if __name__ == "__main__":
    main()
