"""The pipeline of classifiers: its graph, its settings, and a run of it on this machine."""

import csv
import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from kfp import compiler, dsl

from components.choose.component import choose_classification
from components.choose.config import ChooseClassificationConfig
from components.evaluate.classification.component import evaluate_classification
from components.evaluate.classification.config import EvaluateClassificationConfig
from components.finetune.classification.component import finetune_classification
from components.finetune.classification.config import FinetuneClassificationConfig
from components.ingest.classification.component import ingest_classification
from components.ingest.classification.config import IngestClassificationConfig
from components.release.component import release_classification
from components.release.config import ReleaseClassificationConfig
from pipelines.classification import classification
from pipelines.local.environments import REPOSITORY, STAGES
from tests.pipelines.commands.test_run import read_end
from tests.waiting import LONGEST_SECONDS

COMPONENT_TO_CONFIG = {
    ingest_classification: IngestClassificationConfig,
    finetune_classification: FinetuneClassificationConfig,
    evaluate_classification: EvaluateClassificationConfig,
    choose_classification: ChooseClassificationConfig,
    release_classification: ReleaseClassificationConfig,
}
WORDS = ("plot", "actor", "scene", "music", "film", "ending", "and", "the", "was", "very")
BERT_CONFIG = json.dumps(
    {
        "vocab_size": 20,
        "hidden_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 64,
    }
)


@pytest.fixture(scope="module")
def spec(tmp_path_factory) -> dict:
    path = tmp_path_factory.mktemp("compiled") / "classification.yaml"
    compiler.Compiler().compile(classification, str(path))
    return yaml.safe_load(path.read_text("utf-8"))


def test_the_steps_follow_one_another(spec):
    """In loops over the learning rates and the seeds; each waits for what it takes artifacts of."""
    tasks = list_tasks(spec)

    assert {name: set(task.get("dependentTasks", [])) for name, task in tasks.items()} == {
        "ingest-classification": set(),
        "for-loop-1": {"ingest-classification"},
        "for-loop-2": set(),
        "finetune-classification": set(),
        "evaluate-classification": {"finetune-classification"},
        "choose-classification": {"for-loop-1"},
        "release-classification": {"ingest-classification", "choose-classification"},
    }
    loops = [tasks[f"for-loop-{n}"]["parameterIterator"]["items"]["inputParameter"] for n in (1, 2)]
    assert loops == ["pipelinechannel--learning_rates", "pipelinechannel--seeds"]


def list_tasks(spec: dict) -> dict:
    """The tasks of the pipeline, of its loop, and of the loop in that, by name."""
    loops = (spec["components"][f"comp-for-loop-{number}"] for number in (1, 2))
    parts = (spec["root"], *loops)
    return {name: task for part in parts for name, task in part["dag"]["tasks"].items()}


def test_each_step_is_a_task_of_a_stage_in_its_image(spec):
    """The stages of the other pipeline, and their images."""
    containers = [one["container"] for one in spec["deploymentSpec"]["executors"].values()]

    assert len(containers) == 5
    for container in containers:
        stage = container["image"].split("/")[1].split(":")[0]
        assert stage in STAGES
        assert container["command"][-1] == "classification"
        assert container["args"] == ["--executor-input", "{{$}}"]


def test_a_training_that_is_retried_finds_its_checkpoints(spec):
    """Where the pipeline's parameter says."""
    given = list_tasks(spec)["finetune-classification"]["inputs"]["parameters"]

    assert given["checkpoint_directory"] == {
        "componentInputParameter": "pipelinechannel--checkpoint_directory"
    }


@pytest.mark.parametrize("component", COMPONENT_TO_CONFIG, ids=lambda one: one.name)
def test_component_and_config_have_the_same_names_and_defaults(component):
    """Signature, flags and config are one; every input is described."""
    fields = {field.name: field for field in dataclasses.fields(COMPONENT_TO_CONFIG[component])}
    definition = component.component_spec

    assert {*definition.inputs, *definition.outputs} == set(fields)
    for name, item in definition.inputs.items():
        assert item.description, name
        if item.default is not None:
            default = fields[name].default
            assert item.default == (list(default) if isinstance(default, tuple) else default), name


def test_every_parameter_is_described(spec):
    """For the Kubeflow UI, and for --help."""
    described = spec["root"]["inputDefinitions"]["parameters"]

    assert [name for name, one in described.items() if not one.get("description")] == []


def write_reviews(path: Path, num_rows: int) -> Path:
    """Reviews that one word tells apart, quoted as a spreadsheet does."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["review", "verdict"])
        for number in range(num_rows):
            words = [WORDS[(number * step) % len(WORDS)] for step in (1, 3, 7)]
            verdict = ("bad", "good")[number % 2]
            writer.writerow([f'the "{words[0]}", {verdict} {words[1]} {words[2]} 🙂', verdict])
    return path


def run_pipeline(tmp_path: Path, **parameters) -> subprocess.CompletedProcess:
    settings = {
        "output": "runs",
        "train": "train.csv",
        "dev": "dev.csv",
        "sentence_column": "review",
        "label_column": "verdict",
        "vocabulary": "vocab.txt",
        "bert_config": BERT_CONFIG,
        "num_epochs": 12,
        "global_batch_size": 16,
        "learning_rates": 0.01,
        "max_length_tokens": 32,
        "model_store": "store",
        **parameters,
    }
    pairs = [(f"--{name.replace('_', '-')}", str(value)) for name, value in settings.items()]
    return subprocess.run(
        [sys.executable, "-m", "pipelines", "run", "classification", *sum(pairs, ())],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST_SECONDS,
    )


@pytest.fixture
def inputs(tmp_path) -> Path:
    """The folder that a person stands in."""
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", *WORDS]
    (tmp_path / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")
    write_reviews(tmp_path / "train.csv", 160)
    write_reviews(tmp_path / "dev.csv", 30)
    return tmp_path


@pytest.mark.slow
def test_the_whole_pipeline_runs_on_this_machine(inputs):
    """Tables in; scores of a model that has learned them, a matrix and a report out."""
    done = run_pipeline(inputs)

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    printed = read_end(done.stdout)
    assert float(printed["accuracy"]) > 0.9
    assert float(printed["f1"]) > 0.9
    assert float(printed["sentences_per_second"]) > 0
    assert "Confusion matrix" in Path(printed["report"]).read_text("utf-8")
    pointer = json.loads((inputs / "store" / "current.json").read_text("utf-8"))
    assert f"\nrelease: released as {pointer['version']}: no model is in use" in done.stdout
    labels = (Path(printed["checkpoint"]) / "labels.json").read_text("utf-8")
    assert json.loads(labels) == ["bad", "good"]
    (output,) = inputs.glob("runs/*/choose-classification/executor_output.json")
    metadata = json.loads(output.read_text("utf-8"))["artifacts"]["confusion_matrix"]
    matrix = metadata["artifacts"][0]["metadata"]["confusionMatrix"]
    rows = [row["row"] for row in matrix["rows"]]
    assert sum(map(sum, rows)) == 30
    logged = dsl.ClassificationMetrics()
    logged.log_confusion_matrix(["bad", "good"], rows)
    assert logged.metadata["confusionMatrix"] == matrix  # what the Kubeflow UI draws


@pytest.mark.slow
def test_a_label_that_training_never_showed_ends_the_run_with_its_line(inputs):
    """Before anything is trained."""
    with (inputs / "dev.csv").open("a", encoding="utf-8") as file:
        file.write("the plot,so-so\n")

    done = run_pipeline(inputs)

    assert done.returncode == 1
    assert (
        done.stderr.strip()
        .splitlines()[-1]
        .startswith(
            f"ingest classification: error: {inputs / 'dev.csv'}, line 32: the label 'so-so' never "
            "occurs in the training set, which has 'bad', 'good'"
        )
    )
    names = {path.name for path in inputs.glob("runs/*/*")}
    assert names == {"ingest-classification", "log.txt"}
