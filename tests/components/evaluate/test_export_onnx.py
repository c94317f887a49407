"""An exported ONNX model answers as TensorFlow does, in ONNX Runtime and in OpenVINO."""

import json

import numpy as np
import onnx
import onnxruntime
import openvino
import pytest

from components.evaluate.devices import load_on_tensorflow
from components.evaluate.export import ExportConfig, export
from components.shared.bert.config import ACTIVATIONS, BertConfig
from components.shared.bert.heads import ClassifierModel, PretrainingModel, SpanModel
from components.shared.checkpoints.checkpoint import Checkpoint, named_variables, write_checkpoint
from components.shared.errors import InputError
from components.shared.tokens.tokenization import Tokenization

NUM_PIECES = 50
SHAPES = [(1, 7), (3, 16), (2, 40)]


def write_model(folder, model_class, *, hidden_act="gelu", **settings):
    """Weights wide enough that a wrong GELU or a transposed matrix shows."""
    config = BertConfig(
        vocab_size=NUM_PIECES,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=48,
        max_position_embeddings=40,
        hidden_act=hidden_act,
    )
    labels = settings.pop("labels", None)
    model = model_class(config, seed=1, **settings)
    model.build()
    generator = np.random.default_rng(1)
    for variable in named_variables(model).values():
        variable.assign(variable + generator.normal(scale=0.2, size=variable.shape))
    vocabulary = folder / "vocab.txt"
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces += [f"piece{number}" for number in range(NUM_PIECES - len(pieces))]
    vocabulary.write_text("\n".join(pieces) + "\n", encoding="utf-8")
    write_checkpoint(
        folder / "checkpoint",
        model=model,
        vocabulary=vocabulary,
        tokenization=Tokenization(lowercase=True),
        labels=labels,
    )
    return folder / "checkpoint"


def make_batch(batch, length):
    """Rows of several lengths; the first one is full."""
    generator = np.random.default_rng(length)
    lengths = np.maximum(4, length - 3 * np.arange(batch))
    real = np.arange(length) < lengths[:, None]
    token_ids = np.where(real, generator.integers(5, NUM_PIECES, (batch, length)), 0)
    segment_ids = np.where(real, np.arange(length) >= length // 2, 0)
    arrays = {"token_ids": token_ids, "segment_ids": segment_ids}
    return {name: values.astype(np.int32) for name, values in arrays.items()}, real


def run_onnxruntime(path, batches):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return [session.run(None, batch) for batch in batches]


def run_openvino(path, batches):
    settings = {"INFERENCE_PRECISION_HINT": "f32"}
    model = openvino.Core().compile_model(str(path), "CPU", settings)
    return [[np.array(output) for output in model(batch).to_tuple()] for batch in batches]


def expect_equal_outputs(checkpoint, output, make_model):
    """In float32, on batches of several sizes and lengths, padding aside where it has outputs."""
    opened = Checkpoint.read(checkpoint)
    batches, reals = zip(*[make_batch(*shape) for shape in SHAPES], strict=True)
    replicas = load_on_tensorflow(opened, make_model, precision="float32")
    expected = {}
    replicas.run(len(batches), lambda n: batches[n], lambda n, out: expected.update({n: out}))
    for run in (run_onnxruntime, run_openvino):
        for number, outputs in enumerate(run(output / "model.onnx", batches)):
            assert len(outputs) == len(expected[number])
            for got, want in zip(outputs, expected[number], strict=True):
                has_positions = got.shape == reals[number].shape
                mask = reals[number] if has_positions else np.full(got.shape, True)
                assert got.dtype == np.float32
                assert np.abs(got - want)[mask].max() < 5e-5, run.__name__


@pytest.mark.parametrize("hidden_act", ACTIVATIONS)
def test_spans_have_the_logits_of_tensorflow(hidden_act, tmp_path):
    """With each activation; the file is valid ONNX."""
    checkpoint = write_model(tmp_path, SpanModel, hidden_act=hidden_act)

    export(ExportConfig(checkpoint=checkpoint, output=tmp_path / "onnx", format="onnx"))

    onnx.checker.check_model(str(tmp_path / "onnx/model.onnx"), full_check=True)
    expect_equal_outputs(checkpoint, tmp_path / "onnx", lambda config: SpanModel(config, seed=0))


def test_labels_have_the_logits_of_tensorflow(tmp_path):
    """And lie beside the model, with what makes ids of words."""
    labels = ("no", "perhaps", "yes")
    checkpoint = write_model(tmp_path, ClassifierModel, num_labels=3, labels=labels)

    export(ExportConfig(checkpoint=checkpoint, output=tmp_path / "onnx", format="onnx"))

    assert json.loads((tmp_path / "onnx/labels.json").read_text("utf-8")) == list(labels)
    assert (tmp_path / "onnx/vocab.txt").read_bytes() == (tmp_path / "vocab.txt").read_bytes()
    assert json.loads((tmp_path / "onnx/tokenizer_config.json").read_text("utf-8"))["do_lower_case"]
    expect_equal_outputs(
        checkpoint,
        tmp_path / "onnx",
        lambda config: ClassifierModel(config, num_labels=3, seed=0),
    )


def test_a_model_without_a_task_is_rejected(tmp_path):
    """One that is only pretrained answers nothing; no folder is left."""
    checkpoint = write_model(tmp_path, PretrainingModel)

    with pytest.raises(InputError, match="has no head for answers or labels; give a model that"):
        export(ExportConfig(checkpoint=checkpoint, output=tmp_path / "onnx", format="onnx"))

    assert not (tmp_path / "onnx").exists()
