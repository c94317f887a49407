"""A model is put in the place of the one in use, or held back; the run goes on either way."""

import json
import re
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import onnx
import pytest

from components.evaluate.int8.config import QuantizeConfig
from components.evaluate.int8.run import run as quantize
from components.release import other_stage, quantization
from components.release.config import ReleaseConfig
from components.release.run import run
from components.shared.checkpoints.checkpoint_manifest import (
    add_to_manifest,
    fingerprint,
    write_manifest,
)
from components.shared.checkpoints.description import INT8_FILE
from components.shared.checkpoints.onnx_file import Int8Figures, write_int8_graph
from components.shared.errors import DamagedError, InputError
from components.shared.files.atomic import sha256
from components.shared.model_store.store import ModelStore, open_store
from tests.components.evaluate.int8.conftest import SPANS, spoil_graphs

NUM_QUESTIONS = 400


def make_config(folder: Path, share_right: float, **settings) -> ReleaseConfig:
    """Write a model that answers so many of the questions rightly, and where it is released to."""
    checkpoint = folder / "checkpoint"
    checkpoint.mkdir(parents=True)
    (checkpoint / "vocab.txt").write_text(f"{folder}\n", encoding="utf-8")
    write_manifest(checkpoint, step=1)
    (folder / "squad").mkdir()
    for name in ("train", "dev"):
        (folder / "squad" / f"{name}.json").write_text(f'"{name}"', encoding="utf-8")
    scores = {str(n): [float(n < share_right * NUM_QUESTIONS)] * 2 for n in range(NUM_QUESTIONS)}
    metrics = {
        "f1": 100 * share_right,
        "exact": 100 * share_right,
        "settings": {"max_length_tokens": 96, "squad_version": "auto"},
        "question_scores": scores,
    }
    (folder / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
    return ReleaseConfig(
        **{"model_store": str(folder.parent / "store"), **settings},
        checkpoint=checkpoint,
        squad=folder / "squad",
        candidate_metrics=folder / "metrics.json",
        release_metrics=folder / "release.json",
        release_report=folder / "release.html",
    )


@pytest.fixture
def store(tmp_path) -> ModelStore:
    return open_store(str(tmp_path / "store"))


def read_metrics(config: ReleaseConfig) -> dict:
    return json.loads(config.release_metrics.read_text("utf-8"))


def test_nothing_is_released_where_no_store_is_given(tmp_path):
    """And the run goes on."""
    config = make_config(tmp_path / "one", 0.8, model_store="")

    metadata = run(config)

    assert metadata["release_metrics"] == {"released": 0}
    assert read_metrics(config)["decision"] == "held back: no model_store is given"
    assert metadata["release_report"]["decision"] == "held back: no model_store is given"
    assert "no model_store is given" in config.release_report.read_text("utf-8")
    assert not (tmp_path / "store").exists()


def test_the_first_model_is_released(tmp_path, store):
    """With its files, its scores, a card, and what it is."""
    config = make_config(tmp_path / "one", 0.8, min_f1=80)

    metadata = run(config)

    version = store.find_current()
    assert metadata["release_report"]["version"] == version
    assert read_metrics(config) == {
        "released": 1,
        "decision": metadata["release_report"]["decision"],
        "version": version,
        "scores": {"exact": 80, "f1": 80},
        "scores_in_use": {},
    }
    folder = store.fetch(version, tmp_path / "fetched")
    assert (folder / "model" / "checkpoint.json").exists()
    card = (folder / "README.md").read_text("utf-8")
    assert card.startswith("---\npipeline_tag: question-answering\n")
    assert "| F1 | 80 |" in card
    described = store.describe(version)
    assert described["scores"] == {"f1": 80, "exact": 80}
    assert described["evaluation"]["max_length_tokens"] == 96
    assert described["decision"]["compared_with"] is None
    assert sorted(described["data"]) == ["dev.json", "train.json"]


def test_an_int8_graph_is_released_with_its_model(tmp_path, store):
    """With its checksum, its figures in model.json, the card and the report."""
    config = make_config(tmp_path / "one", 0.8)
    graph = onnx.helper.make_model(onnx.helper.make_graph([], "empty", [], []))
    figures = Int8Figures(
        int8_f1=79.9, float32_f1=80.02, num_questions=NUM_QUESTIONS, num_changed_answers=7
    )
    write_int8_graph(config.checkpoint, graph, figures)
    add_to_manifest(config.checkpoint)

    run(config)

    described = store.describe(store.find_current())
    assert described["files"][f"model/{INT8_FILE}"] == sha256(config.checkpoint / INT8_FILE)
    scores = {name: one for name, one in described["scores"].items() if name.startswith("int8")}
    assert scores == {
        "int8_f1": 79.9, "int8_f1_loss": pytest.approx(0.12), "int8_num_changed_answers": 7
    }  # fmt: skip
    folder = store.fetch(store.find_current(), tmp_path / "fetched")
    card = (folder / "README.md").read_text("utf-8")
    assert "is the same model in int8, for CPUs that compute it: F1 79.90, 0.12 points" in card
    report = config.release_report.read_text("utf-8")
    assert "F1 79.90 in int8, 80.02 in float32; 7 of 400 answers differ" in report


def quantize_here(*_words, settings):
    """In this process, where the graph can be spoiled."""
    quantize(QuantizeConfig(**settings))
    return ""


@pytest.mark.slow
@pytest.mark.parametrize("is_good", [True, False])
def test_a_model_gets_an_int8_graph_that_loses_little(
    is_good, squad, checkpoint, store, tmp_path, monkeypatch
):
    """Made with the windows of the evaluation; a step that starts again makes the same version.

    The graph that loses much has a wrong activation.
    """
    config = make_config(tmp_path / "one", 0.8)
    for name in ("train", "dev"):
        (config.squad / f"{name}.json").write_bytes(squad.read_bytes())
    metrics = json.loads(config.candidate_metrics.read_text("utf-8")) | {"settings": SPANS}
    config.candidate_metrics.write_text(json.dumps(metrics), encoding="utf-8")
    config = replace(config, checkpoint=checkpoint, quantize=True, max_f1_loss=20)
    if not is_good:
        spoil_graphs(tmp_path / "other", monkeypatch)
        monkeypatch.setattr(quantization, "run_stage", quantize_here)
    before = fingerprint(checkpoint)

    run(config)
    version = store.find_current()
    run(config)

    assert store.find_current() == version
    assert fingerprint(checkpoint) == before
    described = store.describe(version)
    assert (f"model/{INT8_FILE}" in described["files"]) is is_good
    assert ("int8_f1" in described["scores"]) is is_good
    shown = read_metrics(config)
    assert (shown["kept"], shown["released"]) == (int(is_good), 1)
    assert (shown["f1_loss"] <= 20) is is_good
    said = f"{INT8_FILE} is beside the weights" if is_good else "no int8 graph: F1 "
    assert said in config.release_report.read_text("utf-8")


@pytest.mark.slow
def test_a_graph_that_can_not_be_made_fails_the_step(checkpoint, store, tmp_path):
    """With the other stage's own error; nothing is released."""
    config = replace(make_config(tmp_path / "one", 0.8), checkpoint=checkpoint, quantize=True)

    with pytest.raises(InputError, match="the model gets no int8 graph: .*dev.json: "):
        run(config)

    assert store.find_current() is None


def test_a_graph_is_made_for_a_release_alone(tmp_path):
    """Without a store there is nothing to add it to."""
    with pytest.raises(InputError, match="quantize needs model_store"):
        make_config(tmp_path / "one", 0.8, model_store="", quantize=True)


def test_a_graph_of_others_is_not_released(tmp_path):
    """Nobody has compared its answers."""
    config = make_config(tmp_path / "one", 0.8)
    graph = onnx.helper.make_model(onnx.helper.make_graph([], "empty", [], []))
    onnx.save_model(graph, config.checkpoint / INT8_FILE)

    with pytest.raises(InputError, match=f"{INT8_FILE}: .*; make it again, with `python -m"):
        run(config)


@pytest.mark.parametrize(
    ("share_right", "is_released", "reason"),
    [
        (0.85, True, "F1 differs by +5.00 points from 80.00 of the model in use (95%"),
        (0.8, True, "F1 differs by +0.00 points"),
        (0.75, False, "F1 differs by -5.00 points"),
        (0.0, False, "F1 0.00 is below the minimum 10"),
    ],
)
def test_a_model_is_compared_with_the_one_in_use(tmp_path, store, share_right, is_released, reason):
    """A better or an equal one replaces it; a worse or a broken one does not."""
    run(make_config(tmp_path / "one", 0.8))
    first = store.find_current()
    config = make_config(tmp_path / "two", share_right, min_f1=10)

    decision = run(config)["release_report"]

    assert reason in decision["decision"]
    assert decision["decision"].startswith("released as" if is_released else "held back: ")
    assert (store.find_current() != first) == is_released
    assert len(store.list_versions()) == 1 + is_released
    metrics = read_metrics(config)
    assert metrics["released"] == is_released
    assert metrics["in_use_f1"] == 80
    assert metrics["f1_difference"] == pytest.approx(100 * share_right - 80)
    assert metrics["scores"]["f1"] == pytest.approx(100 * share_right)
    assert metrics["scores_in_use"] == {"exact": 80, "f1": 80}
    assert metrics["f1_difference_low"] <= metrics["f1_difference"]
    report = config.release_report.read_text("utf-8")
    assert f"<h1>{'Released' if is_released else 'Held back'}</h1>" in report
    assert first in report


def test_a_step_that_is_repeated_releases_nothing_twice(tmp_path, store):
    """Its pod may be lost after the switch."""
    config = make_config(tmp_path / "one", 0.8)

    run(config)
    decision = run(config)["release_report"]

    assert decision["version"] == store.find_current()
    assert len(store.list_versions()) == 1


def test_old_versions_are_removed(tmp_path, store):
    """All but so many."""
    for number in range(4):
        run(make_config(tmp_path / str(number), 0.8 + number / 100, keep_versions=2))

    assert len(store.list_versions()) == 2
    assert store.find_current() in store.list_versions()


def test_of_two_releases_at_once_the_better_model_is_in_use(tmp_path, store):
    """The one that comes second is compared with the first, and not with what both found."""
    run(make_config(tmp_path / "zero", 0.7))
    configs = [make_config(tmp_path / name, share) for name, share in (("good", 0.9), ("bad", 0.8))]
    threads = [threading.Thread(target=run, args=(config,)) for config in configs]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert store.describe(store.find_current())["scores"]["f1"] == 90
    assert read_metrics(configs[0])["released"] == 1


def test_who_comes_second_is_held_back_by_what_came_first(tmp_path, store, monkeypatch):
    """Its version goes."""
    run(make_config(tmp_path / "zero", 0.7))
    bad = make_config(tmp_path / "bad", 0.8)
    switch = ModelStore.switch

    def come_first(self, version, *, expected):
        monkeypatch.undo()
        run(make_config(tmp_path / "good", 0.9))
        return switch(self, version, expected=expected)

    monkeypatch.setattr(ModelStore, "switch", come_first)
    decision = run(bad)["release_report"]["decision"]

    assert decision.startswith("held back: exact match differs by -10.00 points from 90.00")
    assert store.describe(store.find_current())["scores"]["f1"] == 90
    assert len(store.list_versions()) == 2


def test_other_questions_are_answered_by_the_model_in_use(tmp_path, monkeypatch):
    """By the evaluation's command line, with the settings of that model."""
    run(make_config(tmp_path / "one", 0.8))
    config = make_config(tmp_path / "two", 0.9)
    (config.squad / "dev.json").write_text('"other"', encoding="utf-8")
    commands = []

    def evaluate(command, **_):
        commands.append(command)
        flags = dict(word[2:].split("=", 1) for word in command[3:])
        assert Path(flags["checkpoint"], "vocab.txt").read_text("utf-8") == f"{tmp_path}/one\n"
        shutil.copy(tmp_path / "one" / "metrics.json", flags["evaluate-metrics"])
        return type("Done", (), {"returncode": 0})

    monkeypatch.setattr(other_stage.subprocess, "run", evaluate)
    decision = run(config)["release_report"]["decision"]

    ((_, _, module, *flags),) = commands
    assert module == "components.evaluate"
    assert {f"--squad={config.squad}", "--max-length-tokens=96"} < {*flags}
    assert "differs by +10.00 points from 80.00" in decision


def test_a_model_in_use_that_fails_is_told(tmp_path):
    """With its error, and what to do; nothing is released."""
    run(make_config(tmp_path / "one", 0.8))
    config = make_config(tmp_path / "two", 0.9)
    (config.squad / "dev.json").write_text('"other"', encoding="utf-8")

    with pytest.raises(InputError, match="which is in use, can't be evaluated .*roll back"):
        run(config)

    assert not config.release_metrics.exists()


def test_an_altered_model_is_not_released(tmp_path, store):
    """Its checksums tell."""
    config = make_config(tmp_path / "one", 0.8)
    (config.checkpoint / "vocab.txt").write_text("altered", encoding="utf-8")

    with pytest.raises(DamagedError, match=r"vocab\.txt: altered"):
        run(config)

    assert store.list_versions() == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"min_f1": 101.0}, "min_f1 must be 0 to 100 percent, got 101"),
        ({"min_exact": -1.0}, "min_exact must be 0 to 100 percent, got -1"),
        ({"max_drop": -0.5}, "max_drop must be 0 to 100 percent points, got -0.5"),
        ({"keep_versions": 0}, "keep_versions must be 1 or more, got 0"),
        ({"model_store": "https://example.org/x"}, "model_store must be a path"),
    ],
)
def test_settings_that_make_no_sense_are_rejected(tmp_path, settings, message):
    """Before the first step."""
    config = make_config(tmp_path / "one", 0.8)

    with pytest.raises(InputError, match=message):
        replace(config, **settings)


def test_the_report_shows_what_became_of_the_runs_so_far(tmp_path):
    """With a plot, the newest run first; a step that starts again adds nothing."""
    configs = [
        make_config(tmp_path / name, share) for name, share in (("a", 0.8), ("b", 0.5), ("c", 0.9))
    ]

    run(configs[0])
    first = configs[0].release_report.read_text("utf-8")
    for config in (*configs[1:], configs[2]):
        run(config)

    report = configs[2].release_report.read_text("utf-8")
    assert "Runs so far" not in first
    rows = re.findall(r"<tr><th>\d{4}-.*?>([\d.]+)</td>.*?<td>(released|held back)", report)
    assert rows == [("90.00", "released"), ("50.00", "held back"), ("80.00", "released")]
    assert "<svg" in report


def test_a_decision_that_can_not_be_noted_costs_a_warning(tmp_path, store, capsys):
    """The model is released."""
    (tmp_path / "store" / "decisions").mkdir(parents=True)
    (tmp_path / "store" / "decisions" / "20261101T000000Z-00000000.json").write_text("{")

    run(make_config(tmp_path / "one", 0.8))

    assert store.find_current()
    assert "release: warning: not noted: " in capsys.readouterr().err
