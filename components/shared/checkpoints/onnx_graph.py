"""A fine-tuned model's graph in ONNX, made from its weights; free of TensorFlow.

Shape suffixes as in bert/model.py. The operations are those of opset 20, so that ONNX Runtime and
OpenVINO recognize attention, GELU and layer normalization, and fuse them.
"""

import math
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from components.shared.bert.config import BertConfig
from components.shared.checkpoints.weights import Weights, read_finite
from components.shared.errors import InputError

INPUTS = ("token_ids", "segment_ids")
SPAN_OUTPUTS = ("start_logits", "end_logits")
_OPSET = 20
# The first version of the format with that opset.
_IR_VERSION = 9
# As in bert/model.py: small enough for float16, and the softmax gives exactly 0.
_MASKED_SCORE = -10000.0
# Of a protobuf message, and so of an ONNX file.
_MAX_BYTES = 2**31 - 1
_SQUAD_SCOPE = "cls/squad/"


def make_onnx(weights: Weights, config: BertConfig, *, folder: Path) -> onnx.ModelProto:
    """Make the graph of a model for answers or labels, in float32.

    It takes int32 [batch, length] token_ids and segment_ids, 0 in padding, and gives float32
    [batch, length] start_logits and end_logits; of a classifier float32 [batch, labels] logits.

    Args:
        weights: of the model.
        config: its architecture.
        folder: how messages call the model.

    Raises:
        InputError: if a weight is missing, has another shape or is not finite, the model has no
            head for answers or labels, or an ONNX file can't hold it.
    """
    graph = _Graph(weights, config, folder)
    hidden_BLD = graph.encode(*INPUTS)
    names: tuple[str, ...]
    shape: list[str | int]
    if f"{_SQUAD_SCOPE}output_weights" in weights.shapes:
        names, shape = SPAN_OUTPUTS, ["batch", "length"]
        graph.point_at_spans(hidden_BLD)
    elif "output_weights" in weights.shapes:
        num_labels = weights.shapes["output_weights"][0]
        names, shape = ("logits",), ["batch", num_labels]
        graph.classify(hidden_BLD, num_labels)
    else:
        raise InputError(
            f"{folder}: has no head for answers or labels; give a model that finetune wrote"
        )
    ids = [helper.make_tensor_value_info(n, TensorProto.INT32, ["batch", "length"]) for n in INPUTS]
    outputs = [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n in names]
    model = helper.make_model(
        helper.make_graph(graph.nodes, "bert", ids, outputs, graph.constants),
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
        producer_name="kubeflow-bert",
    )
    if model.ByteSize() > _MAX_BYTES:
        raise InputError(f"{folder}: an ONNX file holds at most 2 GiB; this model is larger")
    return model


class _Graph:
    """The nodes and constants of a graph; methods return the name of what they compute."""

    def __init__(self, weights: Weights, config: BertConfig, folder: Path) -> None:
        self._weights, self._config, self._folder = weights, config, folder
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._known: set[str] = set()

    def encode(self, token_ids_BL: str, segment_ids_BL: str) -> str:
        """Compute the hidden states [B, L, D]."""
        config = self._config
        pieces_VD = self._table("word_embeddings", config.vocab_size)
        segments_2D = self._table("token_type_embeddings", config.type_vocab_size)
        positions_D = self._table("position_embeddings", config.max_position_embeddings)
        first = self._whole_numbers("first", [0])
        length = self._add("Shape", token_ids_BL, start=1, end=2)
        positions_LD = self._add("Slice", positions_D, first, length, first)
        pieces_BLD = self._add("Gather", pieces_VD, token_ids_BL, axis=0)
        segments_BLD = self._add("Gather", segments_2D, segment_ids_BL, axis=0)
        sum_BLD = self._add("Add", self._add("Add", pieces_BLD, positions_LD), segments_BLD)
        hidden_BLD = self._normalize(sum_BLD, "bert/embeddings/LayerNorm")
        bias_B11L = self._mask(token_ids_BL)
        for index in range(config.num_hidden_layers):
            hidden_BLD = self._transform(hidden_BLD, bias_B11L, f"bert/encoder/layer_{index}")
        return hidden_BLD

    def point_at_spans(self, hidden_BLD: str) -> None:
        """Compute the logits of each position as an answer's start and as its end."""
        logits_BL2 = self._score(hidden_BLD, _SQUAD_SCOPE, num_outputs=2)
        for index, name in enumerate(SPAN_OUTPUTS):
            place = self._whole_numbers(f"{name}_place", index)
            self._add("Gather", logits_BL2, place, axis=2, name=name)

    def classify(self, hidden_BLD: str, num_labels: int) -> None:
        """Compute the logits of each label."""
        cls_BD = self._add("Gather", hidden_BLD, self._whole_numbers("cls_place", 0), axis=1)
        width = self._config.hidden_size
        pooled_BD = self._add("Tanh", self._dense(cls_BD, "bert/pooler/dense", (width, width)))
        self._score(pooled_BD, "", num_outputs=num_labels, name="logits")

    def _transform(self, hidden_BLD: str, bias_B11L: str, scope: str) -> str:
        width, inner = self._config.hidden_size, self._config.intermediate_size
        attended_BLD = self._attend(hidden_BLD, bias_B11L, f"{scope}/attention/self")
        attended_BLD = self._dense(attended_BLD, f"{scope}/attention/output/dense", (width, width))
        hidden_BLD = self._add("Add", hidden_BLD, attended_BLD)
        hidden_BLD = self._normalize(hidden_BLD, f"{scope}/attention/output/LayerNorm")
        expanded = self._dense(hidden_BLD, f"{scope}/intermediate/dense", (width, inner))
        update_BLD = self._dense(self._activate(expanded), f"{scope}/output/dense", (inner, width))
        hidden_BLD = self._add("Add", hidden_BLD, update_BLD)
        return self._normalize(hidden_BLD, f"{scope}/output/LayerNorm")

    def _attend(self, hidden_BLD: str, bias_B11L: str, scope: str) -> str:
        width, heads = self._config.hidden_size, self._config.num_attention_heads
        split = self._whole_numbers("split_heads", [0, 0, heads, width // heads])

        def project(name: str, axes: list[int]) -> str:
            projected_BLD = self._dense(hidden_BLD, f"{scope}/{name}", (width, width))
            split_BLHW = self._add("Reshape", projected_BLD, split)
            return self._add("Transpose", split_BLHW, perm=axes)

        query_BHLW = project("query", [0, 2, 1, 3])
        key_BHWL = project("key", [0, 2, 3, 1])
        value_BHLW = project("value", [0, 2, 1, 3])
        scale = self._constant("scale", np.float32(math.sqrt(heads / width)))
        scores_BHLL = self._add("MatMul", self._add("Mul", query_BHLW, scale), key_BHWL)
        scores_BHLL = self._add("Add", scores_BHLL, bias_B11L)
        probabilities_BHLL = self._add("Softmax", scores_BHLL, axis=-1)
        attended_BHLW = self._add("MatMul", probabilities_BHLL, value_BHLW)
        attended_BLHW = self._add("Transpose", attended_BHLW, perm=[0, 2, 1, 3])
        return self._add("Reshape", attended_BLHW, self._whole_numbers("join_heads", [0, 0, width]))

    def _mask(self, token_ids_BL: str) -> str:
        """Compute what hides padding when added to attention scores."""
        padding = self._constant("padding", np.int32(0))
        is_padding_BL = self._add("Equal", token_ids_BL, padding)
        bias_BL = self._add(
            "Where",
            is_padding_BL,
            self._constant("masked", np.float32(_MASKED_SCORE)),
            self._constant("seen", np.float32(0)),
        )
        return self._add("Unsqueeze", bias_BL, self._whole_numbers("mask_axes", [1, 2]))

    def _activate(self, values: str) -> str:
        match self._config.hidden_act:
            case "gelu":
                return self._add("Gelu", values, approximate="tanh")
            case "gelu_erf":
                return self._add("Gelu", values)
            case "relu":
                return self._add("Relu", values)
            case "tanh":
                return self._add("Tanh", values)
            case "silu":
                return self._add("Mul", values, self._add("Sigmoid", values))
            case "linear":
                return values
        raise AssertionError(self._config.hidden_act)

    def _normalize(self, values: str, scope: str) -> str:
        width = (self._config.hidden_size,)
        gamma, beta = (self._weight(f"{scope}/{name}", width) for name in ("gamma", "beta"))
        return self._add(
            "LayerNormalization", values, gamma, beta, axis=-1, epsilon=self._config.layer_norm_eps
        )

    def _dense(self, values: str, scope: str, shape: tuple[int, int]) -> str:
        kernel = self._weight(f"{scope}/kernel", shape)
        bias = self._weight(f"{scope}/bias", shape[1:])
        return self._add("Add", self._add("MatMul", values, kernel), bias)

    def _score(self, values: str, scope: str, *, num_outputs: int, name: str = "") -> str:
        """Compute a dense layer whose matrix lies transposed, as Google's heads have it."""
        shape = (num_outputs, self._config.hidden_size)
        kernel = self._weight(f"{scope}output_weights", shape, transposed=True)
        bias = self._weight(f"{scope}output_bias", shape[:1])
        return self._add("Add", self._add("MatMul", values, kernel), bias, name=name)

    def _table(self, name: str, num_rows: int) -> str:
        return self._weight(f"bert/embeddings/{name}", (num_rows, self._config.hidden_size))

    def _weight(self, name: str, shape: tuple[int, ...], *, transposed: bool = False) -> str:
        found = self._weights.shapes.get(name)
        if found != shape:
            state = "missing" if found is None else f"shape {list(found)}, expected {list(shape)}"
            raise InputError(
                f"{self._folder}: {name}: {state}; give a model that finetune wrote, whole"
            )
        value = read_finite(self._weights, name, self._folder)
        return self._constant(name, value.T if transposed else value)

    def _whole_numbers(self, name: str, values: int | list[int]) -> str:
        return self._constant(name, np.array(values, np.int64))

    def _constant(self, name: str, value: Any) -> str:
        if name not in self._known:
            self._known.add(name)
            self.constants.append(numpy_helper.from_array(np.asarray(value, order="C"), name))
        return name

    def _add(self, kind: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        output = name or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], output, **attributes))
        return output
