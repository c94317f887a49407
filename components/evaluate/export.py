"""Writes a fine-tuned model for servers: python -m components.evaluate export --help."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from components.shared.errors import InputError
from components.shared.files import expect_place, expect_replaceable, whole_folder
from components.shared.settings import expect_choices

if TYPE_CHECKING:
    from components.shared.checkpoints.checkpoint import Checkpoint

_FORMAT_TO_FILE = {"saved_model": "saved_model.pb", "onnx": "model.onnx"}
_FORMAT_TO_TEXT = {
    "saved_model": "a SavedModel with the signature serving_default",
    "onnx": "a model.onnx for ONNX Runtime and OpenVINO",
}


@dataclass(frozen=True, kw_only=True)
class ExportConfig:
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
    """saved_model for TensorFlow Serving and Triton; onnx for ONNX Runtime, OpenVINO and others:
    model.onnx, made from the weights."""

    def __post_init__(self) -> None:
        expect_choices(self)
        if self.output.resolve() == self.checkpoint.resolve():
            raise InputError(f"output {self.output} is the checkpoint itself; give another folder")


def export(config: ExportConfig) -> None:
    """Write the folder, whole or not at all; an exported model that was there is replaced.

    Raises:
        InputError: if the checkpoint is not whole, or the output is something else's folder.
    """
    expect_place(config.output, is_folder=True)
    expect_replaceable(config.output, *_FORMAT_TO_FILE.values())
    from components.shared.checkpoints.checkpoint import Checkpoint  # TensorFlow takes seconds

    checkpoint = Checkpoint.read(config.checkpoint)
    with whole_folder(config.output) as scratch:
        if config.format == "onnx":
            _write_onnx(scratch, checkpoint)
            _write_text_files(scratch, checkpoint)
        else:
            from components.evaluate.saved_model import write_saved_model

            write_saved_model(scratch, checkpoint)
            # TensorFlow's name for what its loader leaves alone.
            _write_text_files(scratch / "assets.extra", checkpoint)
    print(f"{config.output}: {_FORMAT_TO_TEXT[config.format]}", flush=True)


def _write_onnx(folder: Path, checkpoint: "Checkpoint") -> None:
    import onnx

    from components.shared.checkpoints.onnx_graph import make_onnx
    from components.shared.checkpoints.weights import open_weights

    weights = open_weights(checkpoint.folder)
    model = make_onnx(weights, checkpoint.config, folder=checkpoint.folder)
    onnx.save_model(model, folder / "model.onnx")


def _write_text_files(folder: Path, checkpoint: "Checkpoint") -> None:
    """Write what a client needs to make ids of words, and labels of logits."""
    folder.mkdir(exist_ok=True)
    shutil.copyfile(checkpoint.folder / "vocab.txt", folder / "vocab.txt")
    settings = json.dumps(checkpoint.tokenization.fields()) + "\n"
    (folder / "tokenizer_config.json").write_text(settings, encoding="utf-8")
    if checkpoint.labels is not None:
        text = json.dumps(checkpoint.labels, ensure_ascii=False) + "\n"
        (folder / "labels.json").write_text(text, encoding="utf-8")
