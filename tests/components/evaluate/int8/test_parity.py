"""An exported graph is compared with TensorFlow before a server gets it."""

import numpy as np
import onnxruntime
import pytest

from components.evaluate.devices import load_replicas
from components.evaluate.export import ExportConfig, export
from components.evaluate.int8 import compared_graph
from components.shared.bert.heads import SpanModel
from components.shared.checkpoints.checkpoint import Checkpoint
from components.shared.checkpoints.description import read_description
from components.shared.checkpoints.onnx_file import read_graph
from components.shared.errors import InputError
from components.shared.openvino_engine import Engine, choose_precision
from tests.components.evaluate.int8.conftest import SPANS
from tests.components.evaluate.test_export_onnx import make_batch, write_model

SETTINGS = {"format": "onnx", **SPANS}


def test_f1_changes_and_speed_of_both_are_printed(checkpoint, squad, tmp_path, capsys):
    """And the graph is written: bfloat16 may change close calls of so small a model."""
    export(
        ExportConfig(
            checkpoint=checkpoint, output=tmp_path / "out", dev=squad, max_f1_loss=100, **SETTINGS
        )
    )

    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("export: ")]
    precision = choose_precision("auto", read_graph(tmp_path / "out" / "model.onnx"))
    assert [line.partition(": F1 ")[0] for line in lines[:2]] == [
        "export: TensorFlow in float32",
        f"export: OpenVINO in {precision}",
    ]
    assert all(line.endswith(" windows per second") for line in lines[:2])
    assert " of 30 answers differ; F1 loss " in lines[2]
    assert lines[0].startswith("export: TensorFlow in float32: F1 100.00, ")


def test_a_graph_that_loses_f1_is_not_written(checkpoint, squad, tmp_path, monkeypatch):
    """One with a wrong activation here, though it is a valid model."""
    make = compared_graph.make_onnx
    (tmp_path / "other").mkdir()
    other = write_model(tmp_path / "other", SpanModel, hidden_act="linear")
    described = read_description(other)

    def make_another(weights, _config, *, folder):
        return make(weights, described.config, folder=folder)

    monkeypatch.setattr(compared_graph, "make_onnx", make_another)
    config = ExportConfig(
        checkpoint=checkpoint, output=tmp_path / "out", dev=squad, max_f1_loss=0, **SETTINGS
    )

    with pytest.raises(InputError, match="F1 loss of .* points in .*, more than max_f1_loss 0"):
        export(config)

    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_an_int8_graph_answers_nearly_alike(checkpoint, squad, tmp_path):
    """In OpenVINO and ONNX Runtime; servers see that it is int8."""
    output = tmp_path / "out"
    files = {"train": squad, "dev": squad}

    export(
        ExportConfig(
            checkpoint=checkpoint,
            output=output,
            precision="int8",
            max_f1_loss=100,
            **files,
            **SETTINGS,
        )
    )

    graph = read_graph(output / "model.onnx")
    products = [node for node in graph.graph.node if node.op_type == "MatMul"]
    scaled = {
        name for node in graph.graph.node if "Dequantize" in node.op_type for name in node.output
    }
    assert sum(scaled.issuperset(node.input) for node in products) >= len(products) // 2
    assert choose_precision("auto", graph) == "int8"
    with pytest.raises(InputError, match="precision float32: the model's graph is int8"):
        choose_precision("float32", graph)
    batch, real = make_batch(3, 32)
    session = onnxruntime.InferenceSession(
        output / "model.onnx", providers=["CPUExecutionProvider"]
    )
    in_float32 = load_replicas(Checkpoint.read(checkpoint), num_labels=None, precision="float32")
    expected = []
    in_float32.run(1, lambda _: batch, lambda _, outputs: expected.extend(outputs))
    got = {"ONNX Runtime": session.run(None, batch)}
    got["OpenVINO"] = Engine(graph, precision="int8", num_streams=1).run(batch)
    for name, outputs in got.items():
        for values, want in zip(outputs, expected, strict=True):
            assert np.corrcoef(values[real], want[real])[0, 1] > 0.95, name


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"precision": "int8"}, "precision int8 needs train, to calibrate on, and dev"),
        ({"dev": "dev.json", "format": "saved_model"}, "dev needs format onnx, got saved_model"),
        ({"max_f1_loss": -1.0}, "max_f1_loss must be 0 or more, got -1.0"),
    ],
)
def test_settings_that_do_not_go_together_are_rejected(settings, message, tmp_path):
    """Before anything is read."""
    with pytest.raises(InputError, match=message):
        ExportConfig(checkpoint=tmp_path / "a", output=tmp_path / "b", **settings)


@pytest.mark.parametrize("wrong", ["train", "dev"])
def test_a_wrong_file_is_named_before_the_model_is_loaded(
    wrong, checkpoint, squad, tmp_path, monkeypatch
):
    """Loading takes longer than a person waits for a mistyped name."""
    monkeypatch.setattr(compared_graph, "load_on_tensorflow", None)
    files = {"train": squad, "dev": squad} | {wrong: tmp_path / "nowhere.json"}
    config = ExportConfig(
        checkpoint=checkpoint, output=tmp_path / "out", precision="int8", **files, **SETTINGS
    )

    with pytest.raises(InputError, match="nowhere.json"):
        export(config)
