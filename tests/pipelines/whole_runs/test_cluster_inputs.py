"""Each step's command with the executor input of a real cluster, one step after the other."""

import json
import subprocess
from pathlib import Path

import pytest

from components.choose.component import choose_classification
from components.evaluate.classification.component import evaluate_classification
from components.finetune.classification.component import finetune_classification
from components.ingest.classification.component import ingest_classification
from components.ingest.component import record_dump
from components.ingest.squad.component import ingest_squad
from components.pretrain.component import pretrain
from components.release.component import release, release_classification
from pipelines.local.environments import REPOSITORY, python
from tests import executor_inputs
from tests.pipelines.pretrained import PIECES, write_huggingface_folder
from tests.pipelines.whole_runs.two_words import BERT_CONFIG, write_table
from tests.waiting import LONGEST_SECONDS

SAMPLE = REPOSITORY / "pipelines" / "sample"


def run_step(image: str, command: list[str], executor_input: dict) -> dict:
    """Run a step as its container would; return what it wrote to its output file."""
    assert command[0] == "python"
    ended = subprocess.run(
        [str(python(image)), *command[1:], "--executor-input", json.dumps(executor_input)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST_SECONDS,
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(Path(executor_input["outputs"]["outputFile"]).read_text("utf-8"))


def run_component(component, task: str, folder: Path, parameters: dict, artifacts: dict) -> dict:
    made = executor_inputs.make(component, task, parameters, artifacts)
    container = component.component_spec.implementation.container
    image = container.image.rpartition("/")[2].partition(":")[0]
    executor_input = executor_inputs.move_to(folder, made)
    written = run_step(image, container.command, executor_input)
    expect_outputs(executor_input, written)
    return written


def read_metadata(written: dict, output: str) -> dict:
    """Return what Kubeflow shows of an output artifact."""
    return written["artifacts"][output]["artifacts"][0]["metadata"]


def expect_outputs(executor_input: dict, written: dict) -> None:
    """Each output artifact is repeated, the cluster's own too, and the component's exist."""
    outputs = executor_input["outputs"]
    for name, entry in outputs["artifacts"].items():
        (declared,), (repeated,) = entry["artifacts"], written["artifacts"][name]["artifacts"]
        assert {key: repeated[key] for key in ("name", "type", "uri")} == declared
        assert Path(declared["uri"]).exists() == (name != executor_inputs.LOGS)
    for entry in outputs.get("parameters", {}).values():
        assert Path(entry["outputFile"]).read_text("utf-8")
    assert written["artifacts"].keys() == outputs["artifacts"].keys()


@pytest.mark.slow
def test_each_step_runs_with_the_input_that_a_cluster_gave_it(tmp_path):
    """From the look for a new dump to the choice of a model, as recorded; then its release."""
    bucket = tmp_path / "bucket" / "data"
    bucket.mkdir(parents=True)
    for name in ("wiki-sample.xml.bz2", "squad-sample.json"):
        (bucket / name).symlink_to(SAMPLE / name)

    steps = executor_inputs.read_recorded()
    for step in steps:
        executor_input = executor_inputs.move_to(tmp_path, step["executor_input"])
        expect_outputs(
            executor_input, run_step(step["image"], step["command"][:-2], executor_input)
        )

    released = run_component(
        release,
        "release",
        tmp_path,
        {"model_store": str(tmp_path / "models")},
        {
            "checkpoint": "choose/checkpoint",
            "squad": "ingest/squad",
            "candidate_metrics": "choose/chosen_metrics",
        },
    )

    assert len(steps) == 8
    assert read_metadata(released, "release_metrics")["released"] == 1


@pytest.mark.slow
def test_the_steps_of_the_classification_pipeline_run_with_a_clusters_inputs(tmp_path):
    """From a table to a released classifier."""
    write_table(tmp_path, 40)
    settings = {
        "train": str(tmp_path / "train.csv"),
        "vocabulary": str(tmp_path / "vocab.txt"),
        "bert_config": json.dumps(BERT_CONFIG),
    }
    sentences, checkpoint = "ingest/sentences", "ingest/given_checkpoint"

    run_component(ingest_classification, "ingest", tmp_path, settings, {})
    run_component(
        finetune_classification,
        "finetune",
        tmp_path,
        {"num_epochs": 1.0, "max_length_tokens": 16.0},
        {"sentences": sentences, "initial_checkpoint": checkpoint},
    )
    run_component(
        evaluate_classification,
        "evaluate",
        tmp_path,
        {"max_length_tokens": 16.0},
        {
            "sentences": sentences,
            "checkpoint": "finetune/checkpoint",
            "finetune_history": "finetune/history",
        },
    )
    chosen = run_component(
        choose_classification,
        "choose",
        tmp_path,
        {"learning_rates": [3e-5]},
        {
            "candidate_checkpoints": "finetune/checkpoint",
            "candidate_metrics": "evaluate/evaluate_metrics",
            "candidate_reports": "evaluate/report",
            "candidate_summaries": "evaluate/summary",
            "candidate_matrices": "evaluate/confusion_matrix",
            "candidate_predictions": "evaluate/predictions",
        },
    )
    released = run_component(
        release_classification,
        "release",
        tmp_path,
        {"model_store": str(tmp_path / "models")},
        {
            "checkpoint": "choose/checkpoint",
            "sentences": sentences,
            "candidate_metrics": "choose/chosen_metrics",
            "predictions": "choose/predictions",
        },
    )

    assert "accuracy" in read_metadata(chosen, "chosen_metrics")
    assert read_metadata(released, "release_metrics")["released"] == 1


@pytest.mark.slow
def test_the_squad_pipeline_fetches_its_inputs_with_a_clusters_input(tmp_path):
    """Questions, and weights to start from in Hugging Face's form."""
    settings = {
        "squad_train": str(SAMPLE / "squad-sample.json"),
        "initial_checkpoint": str(write_huggingface_folder(tmp_path / "given")),
    }

    written = run_component(ingest_squad, "ingest", tmp_path, settings, {})

    assert read_metadata(written, "squad").keys() == {"train_questions", "dev_questions"}
    assert read_metadata(written, "given_checkpoint")["pieces"] == len(PIECES)


@pytest.mark.slow
def test_the_note_of_a_trained_dump_is_written_with_a_clusters_input(tmp_path):
    """The last step of retraining has no outputs of its own."""
    record, checkpoint = tmp_path / "trained-dump.json", tmp_path / "finetune" / "checkpoint"
    checkpoint.mkdir(parents=True)
    settings = {"record": str(record), "fingerprint": "sha256:0", "dump": "dump.xml"}

    written = run_component(record_dump, "record", tmp_path, settings, {})

    assert record.exists()
    assert written["artifacts"].keys() == {executor_inputs.LOGS}


def test_made_inputs_have_the_form_of_the_recorded_ones():
    """Keys and types, so that what is made for other components stays true to a cluster."""
    recorded = executor_inputs.read_recorded()[3]["executor_input"]
    made = executor_inputs.make(
        pretrain,
        "pretrain",
        recorded["inputs"]["parameterValues"],
        {"dataset": "preprocess/dataset", "vocabulary": "preprocess/vocabulary"},
    )

    for side in ("inputs", "outputs"):
        assert made[side].keys() == recorded[side].keys()
        for name, entry in recorded[side]["artifacts"].items():
            (theirs,), (ours,) = entry["artifacts"], made[side]["artifacts"][name]["artifacts"]
            assert ours.keys() == theirs.keys()
            assert ours["type"] == theirs["type"]
            assert type(ours["name"]) is type(theirs["name"])
