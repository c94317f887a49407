"""The step that gives a model its int8 graph."""

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from components.evaluate.int8.config import QuantizeConfig
from components.shared.checkpoints.checkpoint_manifest import add_to_manifest
from components.shared.checkpoints.description import INT8_FILE, VOCABULARY
from components.shared.checkpoints.lineage import LINEAGE, compose_lineage
from components.shared.files.atomic import (
    expect_place,
    expect_replaceable,
    sha256,
    whole_folder,
    write_text,
)
from components.shared.stage.start import Metadata, settings

if TYPE_CHECKING:
    import onnx

    from components.evaluate.int8.parity import Parity

_LABEL = "Quantize to int8"


def run(config: QuantizeConfig) -> Metadata:
    """Write the checkpoint with its int8 graph, or without it if its answers are too bad.

    Raises:
        InputError: if a file can't be read, or the model does not answer questions.
    """
    for path in (config.quantize_metrics, config.quantize_summary):
        expect_place(path)
    expect_place(config.quantized_checkpoint, is_folder=True)
    expect_replaceable(config.quantized_checkpoint, VOCABULARY)
    # Here: TensorFlow takes seconds to import.
    from components.evaluate.int8.compared_graph import make_compared_graph
    from components.shared.checkpoints.checkpoint import Checkpoint

    checkpoint = Checkpoint.read(config.checkpoint)
    train, dev = (config.squad / name for name in ("train.json", "dev.json"))
    graph, parity = make_compared_graph(checkpoint, config, train=train, dev=dev)
    is_kept = parity.f1_loss <= config.max_f1_loss
    outcome = _describe(parity, config.max_f1_loss)
    for line in (*parity.describe(), outcome):
        print(f"quantize: {line}", flush=True)
    with whole_folder(config.quantized_checkpoint) as folder:
        shutil.copytree(config.checkpoint, folder, dirs_exist_ok=True)
        if is_kept:
            _add_graph(folder, graph, parity, config)
    metrics = {
        **asdict(parity.figures),
        "f1_loss": parity.f1_loss,
        "int8_windows_per_second": parity.graph.windows_per_second,
        "float32_windows_per_second": parity.reference.windows_per_second,
        "kept": int(is_kept),
    }
    content = {**metrics, "outcome": outcome, "settings": settings(config)}
    write_text(config.quantize_metrics, json.dumps(content, indent=2) + "\n")
    write_text(config.quantize_summary, _summarize(parity, outcome))
    return {"quantize_metrics": metrics, "quantized_checkpoint": {"outcome": outcome}}


def _describe(parity: "Parity", max_f1_loss: float) -> str:
    """Say whether the graph is kept, and why."""
    change = f"F1 {parity.graph.f1:.2f} in int8, {parity.reference.f1:.2f} in float32"
    if parity.f1_loss > max_f1_loss:
        return f"no int8 graph: {change}, a loss of more than max_f1_loss {max_f1_loss:g}"
    return f"{INT8_FILE} is beside the weights: {change}; max_f1_loss is {max_f1_loss:g}"


def _add_graph(
    folder: Path, graph: "onnx.ModelProto", parity: "Parity", config: QuantizeConfig
) -> None:
    """Add the graph to a copy of the checkpoint, and a link to its lineage."""
    from components.shared.checkpoints.onnx_file import write_int8_graph

    write_int8_graph(folder, graph, parity.figures)
    lineage = compose_lineage(
        label=_LABEL,
        settings=settings(config),
        inputs=sha256(config.squad / "train.json"),
        initial=config.checkpoint,
        adds_to_model=True,
    )
    (folder / LINEAGE).write_text(lineage, encoding="utf-8")
    add_to_manifest(folder)


def _summarize(parity: "Parity", outcome: str) -> str:
    """Return the comparison as Markdown."""
    sides = (parity.reference, parity.graph)
    lines = ["# Quantization to int8", "", f"{outcome}.", ""]
    lines += ["| | F1 | windows per second |", "|---|--:|--:|"]
    lines += [f"| {one.engine} | {one.f1:.2f} | {one.windows_per_second:.1f} |" for one in sides]
    lines += ["", f"{parity.num_changed:,} of {len(parity.reference.answers):,} answers differ."]
    return "\n".join(lines) + "\n"
