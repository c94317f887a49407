"""Turns a graph's matrix products into int8, calibrated on questions."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx

from components.shared.bert.sequences import pad_sequences
from components.shared.squad.data import Question, read_squad
from components.shared.squad.windows import Window


def choose_questions(path: Path, count: int, *, version: str) -> Sequence[Question]:
    """Return questions to calibrate on, from all over a SQuAD file.

    Raises:
        InputError: if the file can't be read.
    """
    questions = read_squad(path, version=version).questions
    step = max(1, len(questions) // count)
    return questions[::step][:count]


def calibrate(graph: onnx.ModelProto, windows: Sequence[Window]) -> onnx.ModelProto:
    """Return the graph with 8-bit weights and activations in its matrix products.

    Scales of the activations are those that NNCF finds for transformers on the windows, whose
    outliers SmoothQuant moves into the weights.

    Args:
        graph: a model's, in float32.
        windows: of questions that the model may be asked.
    """
    import nncf

    batches = [pad_sequences([window], longest=len(window.token_ids)) for window in windows]
    inputs: list[dict[str, np.ndarray]] = [dict(batch) for batch in batches]
    return nncf.quantize(
        graph,
        nncf.Dataset(inputs),
        subset_size=len(inputs),
        model_type=nncf.ModelType.TRANSFORMER,
        preset=nncf.QuantizationPreset.MIXED,
    )
