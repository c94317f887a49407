"""A model's graph as a file beside its vocabulary: what `export --format onnx` writes."""

from pathlib import Path

import onnx
from google.protobuf.message import DecodeError

from components.shared.checkpoints.description import ONNX_FILE
from components.shared.errors import InputError


def read_graph(folder: Path) -> onnx.ModelProto:
    """Read the graph of a folder that `export` wrote.

    Raises:
        InputError: if it is not one.
    """
    path = folder / ONNX_FILE
    try:
        graph = onnx.load(path)
        onnx.checker.check_model(graph)
    except OSError as error:
        raise InputError(f"{path}: {str(error.strerror).lower()}") from None
    except (DecodeError, onnx.checker.ValidationError):
        raise InputError(f"{path}: damaged, or no ONNX model; export it again") from None
    return graph
