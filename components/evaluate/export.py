"""Writes a fine-tuned model for servers: python -m components.evaluate export --help."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from components.evaluate.squad.config import AnswerConfig
from components.evaluate.squad.gold import read_gold
from components.shared.checkpoints.checkpoint_manifest import write_descriptions
from components.shared.checkpoints.description import LABELS, ONNX_FILE, VOCABULARY
from components.shared.errors import InputError
from components.shared.files.atomic import expect_place, expect_replaceable, whole_folder
from components.shared.squad.data import Question, SquadData, read_squad
from components.shared.squad.settings import SpanConfig, SquadConfig
from components.shared.stage.settings import Rare, expect_choices

if TYPE_CHECKING:
    import onnx

    from components.evaluate.squad.question_answerer import Answerer
    from components.shared.checkpoints.checkpoint import Checkpoint

_FORMAT_TO_FILE = {"saved_model": "saved_model.pb", "onnx": ONNX_FILE}
_FORMAT_TO_TEXT = {
    "saved_model": "a SavedModel with the signature serving_default",
    "onnx": "a model.onnx for ONNX Runtime and OpenVINO",
}


@dataclass(frozen=True, kw_only=True)
class ExportConfig(SpanConfig, SquadConfig):
    """Write a fine-tuned model in a format that loads without this project's code.

    It takes int32 [batch, length] token_ids and segment_ids (0 in padding) and gives float32
    [batch, length] start_logits and end_logits; of a classifier float32 [batch, labels] logits,
    in the order of labels.json; with one label the logit is the regression's number, or what a
    ranking orders by. A SavedModel's signature is serving_default, and the files beside the model
    are in assets.extra.
    """

    checkpoint: Path
    """Checkpoint folder of the fine-tuned model."""
    output: Path
    """Folder to write; TensorFlow Serving expects it to be named by a version, such as
    models/bert/1."""
    format: Literal["saved_model", "onnx"] = "saved_model"
    """saved_model for TensorFlow Serving and Triton; onnx for ONNX Runtime, OpenVINO and
    components.serve: model.onnx, made from the weights."""
    precision: Literal["float32", "int8"] = "float32"
    """Of an ONNX model that answers questions: int8 is for CPUs with VNNI but without bfloat16. It
    needs train and dev."""
    train: Path | None = None
    """SQuAD file whose questions an int8 model is calibrated on."""
    dev: Path | None = None
    """SQuAD file whose questions the ONNX model answers as components.serve computes it on this
    CPU, next to TensorFlow in float32: F1, changed answers and speed are printed."""
    max_f1_loss: float = 0.5
    """Maximum loss of F1 on dev, in percent points; above it nothing is written."""
    num_calibration_questions: Rare[int] = 300
    """Questions of train to calibrate on."""
    batch_size: Rare[int] = 8
    """Windows at once on dev."""

    def __post_init__(self) -> None:
        SpanConfig.__post_init__(self)
        expect_choices(self)
        if self.output.resolve() == self.checkpoint.resolve():
            raise InputError(f"output {self.output} is the checkpoint itself; give another folder")
        for name in ("num_calibration_questions", "batch_size"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be 1 or more, got {getattr(self, name)}")
        if not self.max_f1_loss >= 0:
            raise InputError(f"max_f1_loss must be 0 or more, got {self.max_f1_loss}")
        if self.precision == "int8" and not (self.train and self.dev):
            raise InputError(
                "precision int8 needs train, to calibrate on, and dev, to compare the answers"
            )
        given = {"precision int8": self.precision == "int8", "dev": self.dev is not None}
        for name in (name for name, is_given in given.items() if is_given):
            if self.format != "onnx":
                raise InputError(f"{name} needs format onnx, got {self.format}")


def export(config: ExportConfig) -> None:
    """Write the folder, whole or not at all; an exported model that was there is replaced.

    Raises:
        InputError: if the checkpoint is not whole, or the output is something else's folder.
    """
    expect_place(config.output, is_folder=True)
    expect_replaceable(config.output, *_FORMAT_TO_FILE.values())
    from components.shared.checkpoints.checkpoint import Checkpoint  # TensorFlow takes seconds

    checkpoint = Checkpoint.read(config.checkpoint)
    if config.format == "onnx":
        import onnx

        graph = _make_graph(checkpoint, config)
        with whole_folder(config.output) as scratch:
            onnx.save_model(graph, scratch / ONNX_FILE)
            _write_text_files(scratch, checkpoint)
    else:
        from components.evaluate.saved_model import write_saved_model

        with whole_folder(config.output) as scratch:
            write_saved_model(scratch, checkpoint)
            # TensorFlow's name for what its loader leaves alone.
            _write_text_files(scratch / "assets.extra", checkpoint)
    print(f"{config.output}: {_FORMAT_TO_TEXT[config.format]}", flush=True)


def _make_graph(checkpoint: "Checkpoint", config: ExportConfig) -> "onnx.ModelProto":
    """The graph in the config's precision, with answers good enough.

    Raises:
        InputError: if it can't be made, or loses too much F1.
    """
    from components.shared.checkpoints.onnx_graph import make_onnx
    from components.shared.checkpoints.weights import open_weights

    if config.dev is not None and checkpoint.labels is not None:
        raise InputError(
            f"{checkpoint.folder}: a classifier; precision int8 and dev are for models that "
            "answer questions"
        )
    # Before the model is loaded: files may be wrong.
    data = read_gold(config.dev, version=config.squad_version) if config.dev else None
    questions = _choose_questions(config)
    graph = make_onnx(open_weights(checkpoint.folder), checkpoint.config, folder=checkpoint.folder)
    if data is None:
        return graph
    answerer = _load_on_tensorflow(checkpoint, config)
    if questions:
        from components.evaluate.squad.int8 import quantize

        graph = quantize(graph, answerer.cut(questions))
    _expect_parity(answerer, graph, data, config)
    return graph


def _choose_questions(config: ExportConfig) -> Sequence[Question]:
    """Return the questions to calibrate an int8 graph on, from all over the file; else none.

    Raises:
        InputError: if the file can't be read, or what calibrates is not installed.
    """
    if config.precision != "int8" or config.train is None:
        return ()
    from components.evaluate.squad.int8 import expect_installed

    expect_installed()
    questions = read_squad(config.train, version=config.squad_version).questions
    step = max(1, len(questions) // config.num_calibration_questions)
    return questions[::step][: config.num_calibration_questions]


def _load_on_tensorflow(checkpoint: "Checkpoint", config: ExportConfig) -> "Answerer":
    from components.evaluate.devices import load_on_tensorflow
    from components.evaluate.predict import Predictor
    from components.evaluate.squad.question_answerer import Answerer
    from components.shared.bert.heads import SpanModel

    make_model = partial(SpanModel, seed=0, has_pooler=checkpoint.has_pooler)
    replicas = load_on_tensorflow(checkpoint, make_model, precision="float32")
    spans = {item.name: getattr(config, item.name) for item in fields(SpanConfig)}
    return Answerer(
        AnswerConfig(checkpoint=checkpoint.folder, **spans),
        Predictor(replicas, per_token=True, noun="windows"),
    )


def _expect_parity(
    answerer: "Answerer", graph: "onnx.ModelProto", data: SquadData, config: ExportConfig
) -> None:
    from components.evaluate.squad.parity import compare_answers
    from components.shared.openvino_engine import choose_precision

    precision = choose_precision("auto", graph)
    parity = compare_answers(answerer, data, graph, precision, batch_size=config.batch_size)
    for line in parity.describe():
        print(f"export: {line}", flush=True)
    if parity.f1_loss > config.max_f1_loss:
        raise InputError(
            f"F1 loss of {parity.f1_loss:.2f} points in {precision} on {config.dev}, more than "
            f"max_f1_loss {config.max_f1_loss}; nothing is written"
        )


def _write_text_files(folder: Path, checkpoint: "Checkpoint") -> None:
    """Write what a client needs to make ids of words, and labels of logits."""
    folder.mkdir(exist_ok=True)
    vocabulary = checkpoint.folder / VOCABULARY
    write_descriptions(folder, checkpoint.config, vocabulary, checkpoint.tokenization)
    if checkpoint.labels is not None:
        text = json.dumps(checkpoint.labels, ensure_ascii=False) + "\n"
        (folder / LABELS).write_text(text, encoding="utf-8")
