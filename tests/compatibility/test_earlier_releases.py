"""What earlier releases wrote is used by the commands of this one."""

import json
from array import array
from pathlib import Path

import pytest

from components.shared.files.formats import stamp
from pipelines.kubeflow.schedules import read_schedules
from tests.compatibility.conftest import FOLDER
from tests.compatibility.write import (
    WINDOWS,
    StageError,
    evaluate,
    look_for_data,
    make_dataset,
    name_inputs,
    pretrain,
    release,
    tune,
)
from tests.pipelines.cli import run_command

WEIGHTS = "checkpoint/bert_model.ckpt.data-00000-of-00001"
# Another processor rounds otherwise.
MAX_DIFFERENCE = 1e-4
MAX_BYTES = 300_000

pytestmark = pytest.mark.slow


def read_weights(path: Path) -> array:
    """Return a checkpoint's tensors one after the other; its step, an integer, is nearly 0."""
    return array("f", path.read_bytes())


def find_largest_difference(one: Path, other: Path) -> float:
    first, second = read_weights(one), read_weights(other)
    assert len(first) == len(second)
    return max(abs(a - b) for a, b in zip(first, second, strict=True))


def test_the_artifacts_are_small():
    """They are in every clone."""
    sizes = [path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()]

    assert sum(sizes) < MAX_BYTES


def test_a_record_is_compared_with(stages):
    """Nothing is new after an upgrade; another text is."""
    inputs = name_inputs(stages.folder / "inputs")
    other = {**inputs, "text": inputs["text"].replace("#sha256=", "#sha256=0")[:-1]}

    unchanged = look_for_data(stages, inputs, "trained-on.json", retrain_on="data")
    changed = look_for_data(stages, other, "trained-on.json", retrain_on="data")

    assert unchanged.startswith("nothing new: ")
    assert "; text changed since " in changed


def test_dumps_and_text_become_rows_of_the_same_documents(stages):
    """By the lists of files that ingest wrote. Which sentences are paired may change."""
    make_dataset(stages, "again")

    before, again = (
        json.loads((stages.folder / name / "dataset.json").read_text("utf-8"))
        for name in ("dataset", "again")
    )
    for name in ("vocabulary", "lowercase", "documents"):
        assert again[name] == before[name]
    for name, corpus in before["corpora"].items():
        for field in ("documents", "num_duplicates", "source"):
            assert again["corpora"][name][field] == corpus[field]
    num_tokens, num_before = (one["lengths"]["32"]["num_tokens"] for one in (again, before))
    assert num_tokens == pytest.approx(num_before, rel=0.2)


@pytest.mark.parametrize("is_made_again", [False, True])
def test_an_interrupted_training_ends_with_the_same_weights(stages, is_made_again):
    """On the dataset it began with, and on one that a later release made with the same rows."""
    path = stages.folder / "dataset/dataset.json"
    if is_made_again:  # by the same packages, which dataset.json names
        fields = json.loads(path.read_text("utf-8"))
        again = {**stamp("dataset.json"), **fields, **stamp("dataset.json")}
        path.write_text(json.dumps(again, indent=2) + "\n", encoding="utf-8")

    printed = pretrain(stages, "interrupted")

    folder = stages.folder
    assert "resuming from step" in printed
    difference = find_largest_difference(
        folder / "interrupted" / WEIGHTS, folder / "pretrained" / WEIGHTS
    )
    assert difference < MAX_DIFFERENCE


def test_a_model_is_trained_evaluated_and_released_from_a_checkpoint(stages):
    """Beside those in the store; each is followed to the data, and the one before put in use."""
    place = ("--model-store", stages.folder / "models")
    before = json.loads((stages.folder / "models/current.json").read_text("utf-8"))
    tune(stages, "tuned", seed=8)
    evaluate(stages, "tuned", "scores")

    printed = release(stages, "tuned", "scores", max_drop=100)

    after = json.loads((stages.folder / "models/current.json").read_text("utf-8"))
    assert f"release: released as {after['version']}" in printed
    assert after["previous"] == [before["version"], *before["previous"]]
    listed = run_command("models", "list", *place)
    for version in (after["version"], *after["previous"]):
        assert version in listed.stdout
        done = run_command("models", "verify", *place, "--version", version)
        assert done.returncode == 0, done.stderr
        assert "Pretraining at length 32: on " in done.stdout
    assert run_command("models", "rollback", *place).returncode == 0
    again = json.loads((stages.folder / "models/current.json").read_text("utf-8"))
    assert again["version"] == before["version"]


def test_a_model_answers(stages):
    """The one in use, from its store's folder."""
    model = next((stages.folder / "models/versions").glob("*/model"))
    (stages.folder / "context.txt").write_text("River stone bridge market.", encoding="utf-8")

    printed = stages.run(
        "evaluate",
        "ask",
        checkpoint=model,
        context="context.txt",
        question="What is after stone?",
        **WINDOWS,
    )

    (best, *_) = [line for line in printed.splitlines() if "%" in line]
    assert set(best.split()) & {"River", "stone", "bridge", "market."}


def test_labeled_sentences_are_trained_on(stages):
    """With the labels that their list has."""
    stages.run(
        "finetune",
        "classification",
        initial_checkpoint="pretrained/checkpoint",
        sentences="sentences",
        checkpoint="classifier/checkpoint",
        history="classifier/history.jsonl",
        finetune_metrics="classifier/metrics.json",
        num_epochs=1,
        global_batch_size=4,
        micro_batch_size=4,
        max_length_tokens=32,
    )

    labels = json.loads((stages.folder / "classifier/checkpoint/labels.json").read_text("utf-8"))
    assert labels == ["0", "1"]


def test_schedules_are_read(stages):
    """Those that the release came with."""
    file = read_schedules(stages.folder / "schedules.yaml")

    (schedule,) = file.schedules
    assert file.clean is None
    assert schedule.pipeline == "bert-retraining"


@pytest.mark.parametrize(
    ("file", "read"),
    [
        ("trained-on.json", lambda stages: look_for_data(
            stages, name_inputs(stages.folder / "inputs"), "trained-on.json")),
        ("dump/dump.json", lambda stages: make_dataset(stages, "again")),
        ("text/text.json", lambda stages: make_dataset(stages, "again")),
        ("dataset/dataset.json", lambda stages: pretrain(stages, "again")),
        ("interrupted/checkpoint-steps/*/checkpoint.json",
            lambda stages: pretrain(stages, "interrupted")),
        ("pretrained/checkpoint/checkpoint.json", lambda stages: tune(stages, "again")),
        ("pretrained/history.jsonl", lambda stages: evaluate(stages, "finetuned", "again")),
        ("models/current.json", lambda stages: release(stages, "finetuned", "evaluated")),
        ("models/versions/*/model.json", lambda stages: release(stages, "finetuned", "evaluated")),
    ],
)  # fmt: skip
def test_a_file_of_a_newer_release_is_rejected(stages, file, read):
    """By the command that reads it: one line with both releases and the remedy."""
    path = max(stages.folder.glob(file))
    text = path.read_text("utf-8")
    first, *others = text.split("\n") if path.suffix == ".jsonl" else [text]
    newer = {**json.loads(first), "format_version": 99, "written_by": "kubeflow-bert 9.9.9"}
    path.write_text("\n".join([json.dumps(newer), *others]), encoding="utf-8")

    with pytest.raises(StageError) as raised:
        read(stages)

    error = str(raised.value).strip().splitlines()[-1]
    assert "format_version 99, written by kubeflow-bert 9.9.9; this release, kubeflow-bert" in error
    assert "; use that release or a newer one" in error
