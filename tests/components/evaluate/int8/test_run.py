"""A model gets its int8 graph beside the weights, if its answers stay good enough."""

import json

import numpy as np
import pytest

from components.evaluate.int8.config import QuantizeConfig
from components.evaluate.int8.run import run
from components.shared.bert.heads import ClassifierModel
from components.shared.checkpoints.checkpoint import Checkpoint
from components.shared.checkpoints.checkpoint_manifest import check_files, fingerprint
from components.shared.checkpoints.description import INT8_FILE
from components.shared.checkpoints.lineage import LINEAGE, find_break, read_lineage
from components.shared.checkpoints.onnx_file import read_graph, read_int8_figures
from components.shared.checkpoints.weights import open_weights
from components.shared.errors import DamagedError, InputError
from components.shared.files.atomic import sha256
from components.shared.openvino_engine import choose_precision
from tests.components.evaluate.int8.conftest import SPANS, spoil_graphs
from tests.components.evaluate.test_export_onnx import write_model


@pytest.fixture
def make_config(checkpoint, squad, tmp_path):
    """Settings of the step, whose questions to calibrate on and to answer are the same."""
    folder = tmp_path / "squad"
    folder.mkdir()
    for name in ("train", "dev"):
        (folder / f"{name}.json").write_bytes(squad.read_bytes())

    def make(**settings):
        paths = {
            "checkpoint": checkpoint,
            "squad": folder,
            "quantized_checkpoint": tmp_path / "quantized",
            "quantize_metrics": tmp_path / "metrics.json",
            "quantize_summary": tmp_path / "summary.md",
        }
        return QuantizeConfig(**{**paths, **SPANS, **settings})

    return make


def list_files(folder):
    return {path.name: sha256(path) for path in folder.iterdir()}


@pytest.mark.slow
def test_the_graph_stands_beside_the_weights(make_config, checkpoint):
    """With figures of both, and a link in the lineage; nothing else of the model changes."""
    config = make_config(max_f1_loss=100)

    shown = run(config)

    output = config.quantized_checkpoint
    added = {INT8_FILE, LINEAGE, "checkpoint.json"}
    before, after = list_files(checkpoint), list_files(output)
    assert after.keys() == before.keys() | added
    assert {name: after[name] for name in before.keys() - added} == {
        name: before[name] for name in before.keys() - added
    }
    assert choose_precision("auto", read_graph(output / INT8_FILE)) == "int8"
    check_files(output, has_manifest=True)
    lineage = read_lineage((output / LINEAGE).read_text("utf-8"), source=LINEAGE)
    links = lineage.links
    assert links[0].label == "Quantize to int8"
    assert links[0].initial.fingerprint == fingerprint(checkpoint)
    assert links[0].inputs == sha256(config.squad / "train.json")
    assert find_break(lineage) == ""
    figures = read_int8_figures(output)
    assert (figures.float32_f1, figures.num_questions) == (pytest.approx(100), 30)
    metrics = json.loads(config.quantize_metrics.read_text("utf-8"))
    assert shown["quantize_metrics"].items() <= metrics.items()
    assert metrics["kept"] == 1
    assert metrics["int8_f1"] == figures.int8_f1
    assert metrics["f1_loss"] == pytest.approx(figures.f1_loss)
    assert min(metrics[f"{one}_windows_per_second"] for one in ("int8", "float32")) > 0
    summary = config.quantize_summary.read_text("utf-8")
    assert f"| OpenVINO in int8 | {figures.int8_f1:.2f} |" in summary
    assert f"{figures.num_changed_answers} of 30 answers differ" in summary


@pytest.mark.slow
def test_the_weights_are_read_as_before_and_a_damaged_graph_is_named(make_config, checkpoint):
    """So fine-tuning and evaluations still start from the folder."""
    config = make_config(max_f1_loss=100)
    run(config)
    output = config.quantized_checkpoint

    weights, expected = open_weights(output), open_weights(checkpoint)
    for name in expected.shapes:
        np.testing.assert_array_equal(weights.read(name), expected.read(name))
    assert Checkpoint.read(output).config == Checkpoint.read(checkpoint).config

    graph = output / INT8_FILE
    graph.write_bytes(graph.read_bytes()[:-1])
    with pytest.raises(DamagedError, match=f"{INT8_FILE}: altered or cut short"):
        Checkpoint.read(output)


@pytest.mark.slow
def test_a_graph_that_loses_too_much_is_left_out(make_config, checkpoint, tmp_path, monkeypatch):
    """The step succeeds and says so: the model is as it was. The graph has a wrong activation."""
    spoil_graphs(tmp_path / "other", monkeypatch)
    config = make_config()

    shown = run(config)

    assert list_files(config.quantized_checkpoint) == list_files(checkpoint)
    assert fingerprint(config.quantized_checkpoint) == fingerprint(checkpoint)
    metrics = json.loads(config.quantize_metrics.read_text("utf-8"))
    assert metrics["kept"] == 0
    assert metrics["f1_loss"] > config.max_f1_loss
    outcome = shown["quantized_checkpoint"]["outcome"]
    loss = f"F1 {metrics['int8_f1']:.2f} in int8, 100.00 in float32"
    assert outcome == f"no int8 graph: {loss}, a loss of more than max_f1_loss 0.5"
    assert outcome in config.quantize_summary.read_text("utf-8")


@pytest.mark.slow
def test_a_model_that_has_a_graph_gets_another(make_config, checkpoint, tmp_path):
    """From the same weights, and the same file."""
    first = make_config(max_f1_loss=100)
    run(first)

    second = make_config(
        max_f1_loss=100,
        checkpoint=first.quantized_checkpoint,
        quantized_checkpoint=tmp_path / "again",
    )
    run(second)

    graphs = [one.quantized_checkpoint / INT8_FILE for one in (first, second)]
    assert sha256(graphs[0]) == sha256(graphs[1])
    lineage = read_lineage((tmp_path / "again" / LINEAGE).read_text("utf-8"), source=LINEAGE)
    assert [link.label for link in lineage.links] == ["Quantize to int8"] * 2
    assert find_break(lineage) == ""


def test_a_classifier_is_rejected(make_config, tmp_path):
    """Before anything is computed."""
    (tmp_path / "other").mkdir()
    classifier = write_model(tmp_path / "other", ClassifierModel, num_labels=2, labels=["a", "b"])

    with pytest.raises(InputError, match="a classifier; only models that answer questions have an"):
        run(make_config(checkpoint=classifier))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_f1_loss": float("nan")}, "max_f1_loss must be 0 or more, got nan"),
        ({"num_calibration_questions": 0}, "num_calibration_questions must be 1 or more, got 0"),
        ({"batch_size": 0}, "batch_size must be 1 or more, got 0"),
        ({"max_length_tokens": 9}, "max_length_tokens 9 leaves no room"),
        ({"squad_version": "3"}, "squad_version must be one of"),
    ],
)
def test_settings_that_can_not_be_are_rejected(settings, message, make_config):
    """Before anything is read."""
    with pytest.raises(InputError, match=message):
        make_config(**settings)


def test_a_checkpoint_is_not_written_over(make_config, checkpoint):
    """Nor is a folder of something else."""
    with pytest.raises(InputError, match="is the checkpoint itself; give another folder"):
        make_config(quantized_checkpoint=checkpoint)
    config = make_config()
    config.quantized_checkpoint.mkdir()
    (config.quantized_checkpoint / "notes.txt").touch()

    with pytest.raises(InputError, match="holds notes.txt and no vocab.txt"):
        run(config)
