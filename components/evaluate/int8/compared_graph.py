"""Makes the graph of a model that answers questions, and compares its answers."""

from dataclasses import fields
from pathlib import Path

import onnx

from components.evaluate.devices import load_on_tensorflow
from components.evaluate.int8.calibration import calibrate, choose_questions
from components.evaluate.int8.config import ComparedGraphConfig
from components.evaluate.int8.parity import Parity, compare_answers
from components.evaluate.predict import Predictor
from components.evaluate.squad.config import AnswerConfig
from components.evaluate.squad.gold import read_gold
from components.evaluate.squad.question_answerer import Answerer
from components.shared.checkpoints.checkpoint import Checkpoint
from components.shared.checkpoints.onnx_graph import make_onnx
from components.shared.checkpoints.weights import open_weights
from components.shared.errors import InputError
from components.shared.openvino_engine import choose_precision
from components.shared.squad.settings import SpanConfig
from components.shared.tensorflow_engine import architecture_of


def make_compared_graph(
    checkpoint: Checkpoint, config: ComparedGraphConfig, *, train: Path | None, dev: Path
) -> tuple[onnx.ModelProto, Parity]:
    """Make a graph, and answer questions with it and with TensorFlow in float32.

    Args:
        checkpoint: the model.
        config: how it is calibrated and asked.
        train: SQuAD file to calibrate an int8 graph on; None makes a graph in float32.
        dev: SQuAD file with the questions.

    Raises:
        InputError: if a file can't be read, or the model is of another task.
    """
    if checkpoint.labels is not None:
        raise InputError(
            f"{checkpoint.folder}: a classifier; only models that answer questions have an int8 "
            "graph, and are compared on dev"
        )
    # Before the model is loaded: files may be wrong.
    data = read_gold(dev, version=config.squad_version)
    version, count = config.squad_version, config.num_calibration_questions
    questions = choose_questions(train, count, version=version) if train else ()
    graph = make_onnx(open_weights(checkpoint.folder), checkpoint.config, folder=checkpoint.folder)
    answerer = _load(checkpoint, config)
    if questions:
        graph = calibrate(graph, answerer.cut(questions))
    precision = choose_precision("auto", graph)
    return graph, compare_answers(answerer, data, graph, precision, batch_size=config.batch_size)


def _load(checkpoint: Checkpoint, config: ComparedGraphConfig) -> Answerer:
    make_model = architecture_of(checkpoint, num_labels=None)
    replicas = load_on_tensorflow(checkpoint, make_model, precision="float32")
    spans = {item.name: getattr(config, item.name) for item in fields(SpanConfig)}
    return Answerer(
        AnswerConfig(checkpoint=checkpoint.folder, **spans),
        Predictor(replicas, per_token=True, noun="windows"),
    )
