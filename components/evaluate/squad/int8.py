"""Turns a graph's matrix products into int8, calibrated on questions."""

import importlib.util
from collections.abc import Sequence

import numpy as np
import onnx

from components.shared.bert.sequences import pad_sequences
from components.shared.errors import InputError
from components.shared.squad.windows import Window

# The remedy names the group of images/evaluate/pyproject.toml that has it.
_NO_NNCF = (
    "precision int8 needs NNCF, which the evaluate image does not have; here: "
    "`.venv/bin/python sync.py images/evaluate --group int8 --inexact`"
)


def expect_installed() -> None:
    """Raise an InputError if NNCF is not."""
    if importlib.util.find_spec("nncf") is None:
        raise InputError(_NO_NNCF)


def quantize(graph: onnx.ModelProto, windows: Sequence[Window]) -> onnx.ModelProto:
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
