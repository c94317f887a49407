"""Writes a fine-tuned model for servers: python -m components.evaluate export --help."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from components.evaluate.int8.config import ComparedGraphConfig
from components.shared.checkpoints.checkpoint_manifest import write_descriptions
from components.shared.checkpoints.description import LABELS, ONNX_FILE, VOCABULARY
from components.shared.errors import InputError
from components.shared.files.atomic import expect_place, expect_replaceable, whole_folder
from components.shared.stage.settings import expect_choices

if TYPE_CHECKING:
    import onnx

    from components.shared.checkpoints.checkpoint import Checkpoint

_FORMAT_TO_FILE = {"saved_model": "saved_model.pb", "onnx": ONNX_FILE}
_FORMAT_TO_TEXT = {
    "saved_model": "a SavedModel with the signature serving_default",
    "onnx": "a model.onnx for ONNX Runtime and OpenVINO",
}


@dataclass(frozen=True, kw_only=True)
class ExportConfig(ComparedGraphConfig):
    """Write a fine-tuned model in a format that loads without this project's code.

    It takes int32 [batch, length] token_ids and segment_ids (0 in padding) and gives float32
    [batch, length] start_logits and end_logits; of a classifier float32 [batch, labels] logits,
    in the order of labels.json; with one label the logit is the regression's number, or what a
    ranking orders by. A SavedModel's signature is serving_default, and the files beside the model
    are in assets.extra.
    """

    output: Path
    """Folder to write; TensorFlow Serving expects it to be named by a version, such as
    models/bert/1."""
    format: Literal["saved_model", "onnx"] = "saved_model"
    """saved_model for TensorFlow Serving and Triton; onnx for ONNX Runtime, OpenVINO and
    components.serve: model.onnx, made from the weights."""
    precision: Literal["float32", "int8"] = "float32"
    """Of an ONNX model that answers questions: int8 is for CPUs with VNNI or AMX. It needs train
    and dev."""
    train: Path | None = None
    """SQuAD file whose questions an int8 model is calibrated on."""
    dev: Path | None = None
    """SQuAD file whose questions the ONNX model answers as components.serve computes it on this
    CPU, next to TensorFlow in float32: F1, changed answers and speed are printed."""

    def __post_init__(self) -> None:
        ComparedGraphConfig.__post_init__(self)
        expect_choices(self)
        if self.output.resolve() == self.checkpoint.resolve():
            raise InputError(f"output {self.output} is the checkpoint itself; give another folder")
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
    if config.dev is None:
        from components.shared.checkpoints.onnx_graph import make_onnx
        from components.shared.checkpoints.weights import open_weights

        return make_onnx(
            open_weights(checkpoint.folder), checkpoint.config, folder=checkpoint.folder
        )
    from components.evaluate.int8.compared_graph import make_compared_graph

    train = config.train if config.precision == "int8" else None
    graph, parity = make_compared_graph(checkpoint, config, train=train, dev=config.dev)
    for line in parity.describe():
        print(f"export: {line}", flush=True)
    if parity.f1_loss > config.max_f1_loss:
        raise InputError(
            f"F1 loss of {parity.f1_loss:.2f} points in {parity.graph.engine} on {config.dev}, "
            f"more than max_f1_loss {config.max_f1_loss}; nothing is written"
        )
    return graph


def _write_text_files(folder: Path, checkpoint: "Checkpoint") -> None:
    """Write what a client needs to make ids of words, and labels of logits."""
    folder.mkdir(exist_ok=True)
    vocabulary = checkpoint.folder / VOCABULARY
    write_descriptions(folder, checkpoint.config, vocabulary, checkpoint.tokenization)
    if checkpoint.labels is not None:
        text = json.dumps(checkpoint.labels, ensure_ascii=False) + "\n"
        (folder / LABELS).write_text(text, encoding="utf-8")
