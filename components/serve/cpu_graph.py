"""Chooses what a CPU computes: an exported graph, the int8 graph beside weights, or the weights."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import onnx

from components.shared.checkpoints.checkpoint import Checkpoint
from components.shared.checkpoints.description import (
    INT8_FILE,
    ONNX_FILE,
    Description,
    read_description,
)
from components.shared.checkpoints.onnx_file import read_graph
from components.shared.checkpoints.onnx_graph import make_onnx
from components.shared.checkpoints.weights import open_weights
from components.shared.openvino_engine import Precision, choose_precision, find_int8_instructions


@dataclass(frozen=True)
class CpuGraph:
    """A model's graph, and the precision to compute it in."""

    description: Description
    graph: onnx.ModelProto
    precision: Precision
    reason: str = ""
    """Why this graph is the fastest here, for the log; "" where there is nothing to tell."""


def choose_graph(folder: Path, wanted: Literal["auto"] | Precision) -> CpuGraph:
    """Return the graph of a folder in a precision; auto is the fastest that this CPU computes.

    Raises:
        InputError: if the folder is not whole, or has no graph in the precision.
    """
    if (folder / ONNX_FILE).exists():
        graph = read_graph(folder / ONNX_FILE)
        return CpuGraph(read_description(folder), graph, choose_precision(wanted, graph))
    checkpoint = Checkpoint.read(folder)
    instructions = find_int8_instructions()
    has_graph = (folder / INT8_FILE).exists()
    if has_graph and (wanted == "int8" or (wanted == "auto" and instructions)):
        graph = read_graph(folder / INT8_FILE)
    else:
        graph = make_onnx(open_weights(folder), checkpoint.config, folder=folder)
    reason = ""
    if wanted == "auto" and has_graph:
        reason = (
            f"{INT8_FILE}, as this CPU has {instructions}"
            if instructions
            else f"{INT8_FILE} needs VNNI or AMX, which this CPU lacks"
        )
    elif wanted == "auto" and instructions and checkpoint.labels is None:
        reason = f"there is no {INT8_FILE}, which {instructions} would compute faster"
    return CpuGraph(checkpoint, graph, choose_precision(wanted, graph), reason)
