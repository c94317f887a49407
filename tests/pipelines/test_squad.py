"""The pipeline of question answering: its graph, its settings, and a run on this machine."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from kfp import compiler

from components.ingest.squad.component import ingest_squad
from components.ingest.squad.config import IngestSquadConfig
from components.shared.training.history import History
from pipelines.local.environments import REPOSITORY
from pipelines.squad import squad
from tests.pipelines.cli import run_command
from tests.pipelines.commands.test_run import read_end
from tests.pipelines.pretrained import write_huggingface_folder
from tests.waiting import LONGEST_SECONDS


@pytest.fixture(scope="module")
def spec(tmp_path_factory) -> dict:
    path = tmp_path_factory.mktemp("compiled") / "squad.yaml"
    compiler.Compiler().compile(squad, str(path))
    return yaml.safe_load(path.read_text("utf-8"))


def test_the_steps_follow_one_another(spec):
    """In a loop over the seeds, in one over the learning rates; pretraining has no part."""
    parts = [spec["root"], spec["components"]["comp-for-loop-1"]]
    parts.append(spec["components"]["comp-for-loop-2"])
    tasks = {name: task for part in parts for name, task in part["dag"]["tasks"].items()}

    assert {name: set(task.get("dependentTasks", [])) for name, task in tasks.items()} == {
        "ingest-squad": set(),
        "for-loop-1": {"ingest-squad"},
        "for-loop-2": set(),
        "finetune": set(),
        "evaluate": {"finetune"},
        "choose": {"for-loop-1"},
        "release": {"ingest-squad", "choose"},
    }
    loops = [tasks[name]["parameterIterator"]["items"]["inputParameter"] for name in tasks
             if name.startswith("for-loop")]  # fmt: skip
    assert loops == ["pipelinechannel--learning_rates", "pipelinechannel--seeds"]
    assert not any("pretrain" in name for name in tasks["evaluate"]["inputs"]["artifacts"])


def test_ingest_runs_its_command_in_the_image_of_ingest(spec):
    """The same image as the other pipelines'."""
    container = spec["deploymentSpec"]["executors"]["exec-ingest-squad"]["container"]

    assert container["image"].startswith("kubeflow-bert/ingest:")
    assert container["command"] == ["python", "-m", "components.ingest", "squad"]


def test_component_and_config_have_the_same_names_and_defaults():
    """Signature, flags and config are one; every input is described."""
    fields = {field.name: field for field in dataclasses.fields(IngestSquadConfig)}
    definition = ingest_squad.component_spec

    assert {*definition.inputs, *definition.outputs} == set(fields)
    for name, item in definition.inputs.items():
        assert item.description, name
        if item.default is not None:
            assert item.default == fields[name].default, name


def test_its_parameters_are_those_of_one_training(spec):
    """Without a step's name before them; required are the questions and the weights."""
    parameters = spec["root"]["inputDefinitions"]["parameters"]

    assert parameters.keys() >= {"learning_rates", "seeds", "num_epochs", "global_batch_size"}
    assert not {name for name in parameters if name.startswith("finetune_")}
    required = {name for name, one in parameters.items() if "defaultValue" not in one}
    assert required == {"squad_train", "initial_checkpoint"}


def write_questions(path: Path, num_articles: int) -> Path:
    """Two questions an article, whose answers are one word of a short context."""
    articles = []
    for number in range(num_articles):
        words = [("red", "blue")[number % 2], ("cat", "dog", "hen")[number % 3]]
        context = f"the color is {words[0]} . the animal is {words[1]} ."
        questions = [
            {
                "id": f"{number}-{asked}",
                "question": f"which {asked} ?",
                "answers": [{"text": word, "answer_start": context.index(word)}],
            }
            for asked, word in zip(("color", "animal"), words, strict=True)
        ]
        paragraph = {"context": context, "qas": questions}
        articles.append({"title": f"Article {number}", "paragraphs": [paragraph]})
    path.write_text(json.dumps({"version": "1.1", "data": articles}), encoding="utf-8")
    return path


def find_peak(history: Path) -> float:
    """Return the highest learning rate of a training."""
    return max(entry["learning_rate"] for entry in History.read(history).entries)


@pytest.mark.slow
def test_the_whole_pipeline_runs_on_this_machine(tmp_path):
    """Weights of Hugging Face's form and questions in; the best of two seeds' models out.

    It is released with an int8 graph.
    """
    write_huggingface_folder(tmp_path / "bert")
    write_questions(tmp_path / "train.json", 20)
    flags = {
        "output": "runs",
        "squad-train": "train.json",
        "initial-checkpoint": "bert",
        "seeds": "1,2",
        "num-epochs": 10,
        "global-batch-size": 8,
        "learning-rates": 0.005,
        "max-length-tokens": 96,
        "model-store": "store",
        "quantize": "true",
        "max-f1-loss": 100,
    }
    words = [str(word) for name, value in flags.items() for word in (f"--{name}", value)]

    done = subprocess.run(
        [sys.executable, "-m", "pipelines", "run", "squad", *words],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST_SECONDS,
    )

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    printed = read_end(done.stdout)
    paths = sorted(tmp_path.glob("runs/*/*/*/evaluate/evaluate_metrics"))
    scores = [json.loads(path.read_text("utf-8"))["f1"] for path in paths]
    assert len(scores) == 2
    assert float(printed["f1"]) == pytest.approx(max(scores), rel=1e-3)
    assert float(printed["f1_mean"]) == pytest.approx(sum(scores) / 2, rel=1e-3)
    assert float(printed["Evaluate (2)"]) > 0
    assert (Path(printed["checkpoint"]) / "bert_model.ckpt.index").exists()
    metrics = json.loads(Path(printed["checkpoint"]).with_name("chosen_metrics").read_text())
    assert [(run["learning_rate"], run["seed"], run["f1"]) for run in metrics["runs"]] == [
        (0.005, 1, scores[0]), (0.005, 2, scores[1])
    ]  # fmt: skip
    histories = sorted(tmp_path.glob("runs/*/*/*/finetune/history"))
    # Logged every ten steps, between the warm-up and the end.
    assert [*map(find_peak, histories)] == pytest.approx([0.004, 0.004], rel=0.1)
    pointer = json.loads((tmp_path / "store" / "current.json").read_text("utf-8"))
    released = tmp_path / "store" / "versions" / pointer["version"]
    assert f"\nrelease: released as {pointer['version']}: no model is in use" in done.stdout
    for name in ("bert_model.ckpt.index", "model.int8.onnx"):
        assert (released / "model" / name).exists()
    described = json.loads((released / "model.json").read_text("utf-8"))
    assert described["scores"]["f1"] == pytest.approx(max(scores))
    assert described["evaluation"]["max_length_tokens"] == 96
    (squad_folder,) = tmp_path.glob("runs/*/ingest-squad/squad")
    verified = run_command(
        "models", "verify", "--model-store", tmp_path / "store", "--data", squad_folder
    )
    assert verified.returncode == 0, verified.stderr
    assert any(line.startswith("Fine-tuning on SQuAD 1.1: on ") for line in verified.lines)
    assert any(line.startswith("Quantize to int8: on ") for line in verified.lines)
    report = Path(printed["report"]).read_text("utf-8")
    assert "Mean and standard deviation over 2 seeds" in report
    assert "<td>2</td>" in report
