"""A model's graph as a file: exported without the weights, or in int8 beside them."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError

from components.shared.checkpoints.description import INT8_FILE
from components.shared.errors import InputError
from components.shared.files.documents import decode_json

# Of the graph's own properties, which ONNX keeps as texts, the one that has the figures.
_FIGURES = "comparison"


@dataclass(frozen=True)
class Int8Figures:
    """How a model answered the development questions in int8, and in float32.

    Without times, which differ from run to run: the graph of the same weights is the same file.
    """

    int8_f1: float
    """In percent."""
    float32_f1: float
    num_questions: int
    num_changed_answers: int

    @property
    def f1_loss(self) -> float:
        """In percent points; negative where int8 is better."""
        return self.float32_f1 - self.int8_f1

    def describe(self) -> str:
        """Return the comparison of the answers in words."""
        return (
            f"F1 {self.int8_f1:.2f} in int8, {self.float32_f1:.2f} in float32; "
            f"{self.num_changed_answers:,} of {self.num_questions:,} answers differ"
        )


def read_graph(path: Path) -> onnx.ModelProto:
    """Read a graph that `export` or `quantize` wrote.

    Raises:
        InputError: if it is not one.
    """
    try:
        graph = onnx.load(path)
        onnx.checker.check_model(graph)
    except OSError as error:
        raise InputError(f"{path}: {str(error.strerror).lower()}") from None
    except (DecodeError, onnx.checker.ValidationError):
        raise InputError(f"{path}: damaged, or not an ONNX model; export it again") from None
    return graph


def write_int8_graph(folder: Path, graph: onnx.ModelProto, figures: Int8Figures) -> None:
    """Write an int8 graph beside the weights that it was made of, with its figures in it."""
    onnx.helper.set_model_props(graph, {_FIGURES: json.dumps(asdict(figures))})
    onnx.save_model(graph, folder / INT8_FILE)


def read_int8_figures(folder: Path) -> Int8Figures | None:
    """Return the figures of the int8 graph in a checkpoint folder; None without such a graph.

    Raises:
        InputError: if the graph is damaged, or another's.
    """
    path = folder / INT8_FILE
    if not path.exists():
        return None
    found = {prop.key: prop.value for prop in read_graph(path).metadata_props}
    remedy = "make it again, with `python -m components.evaluate quantize`"
    return decode_json(found.get(_FIGURES, ""), Int8Figures, source=str(path), remedy=remedy)
