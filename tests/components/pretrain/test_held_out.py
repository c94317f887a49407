"""Losses on held-out rows, and the run that they end."""

import json
import math
import shutil

import numpy as np
import pytest

from components.shared.checkpoints.checkpoint_manifest import write_none
from components.shared.dataset.folder import MANIFEST, read_manifest
from tests.components.pretrain.stage import CONFIG

EVERY = {"validate_every_steps": 10}


def run(stage, **settings):
    done = stage.run(**EVERY | settings)
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.slow
def test_the_numbers_are_the_same_on_one_process_and_on_two(make_stage):
    """To the last bit for the same weights; at the start, every ten steps, and at the end."""
    one, two = make_stage("one"), make_stage("two")

    run(one, num_steps=25)
    run(two, num_steps=25, num_processes=2, micro_batch_size=4)

    first, *_, last = one.validation()
    assert [entry["step"] for entry in one.validation()] == [0, 10, 20, 25]
    assert two.validation()[0] == first
    assert last["held_out_masked_lm_loss"] == pytest.approx(
        two.validation()[-1]["held_out_masked_lm_loss"], rel=1e-2
    )
    for entry in one.validation():
        parts = entry["held_out_masked_lm_loss"] + entry["held_out_next_sentence_loss"]
        assert entry["held_out_loss"] == pytest.approx(parts)
        perplexity = math.exp(entry["held_out_masked_lm_loss"])
        assert entry["held_out_perplexity"] == pytest.approx(perplexity)
        assert 0 <= entry["held_out_masked_lm_accuracy"] <= 1
        assert 0 <= entry["held_out_next_sentence_accuracy"] <= 1
    assert first["held_out_masked_lm_loss"] == pytest.approx(math.log(64), rel=0.05)
    metrics = json.loads((one.output / "metrics.json").read_text())
    for name in ("held_out_perplexity", "held_out_masked_lm_loss"):
        assert metrics[name] == last[name]


@pytest.mark.slow
def test_training_lowers_the_loss_on_rows_that_it_never_saw(make_stage):
    """After piece n comes n + 1 there as well; a learning rate of nearly nothing lowers none."""
    learning, idle = make_stage("learning"), make_stage("idle")

    run(learning, num_steps=200, learning_rate=0.02, validate_every_steps=100)
    run(idle, num_steps=200, learning_rate=1e-9, validate_every_steps=100)

    (first, _, last), (_, _, still) = learning.validation(), idle.validation()
    assert last["held_out_masked_lm_loss"] < first["held_out_masked_lm_loss"] - 0.5
    assert still["held_out_masked_lm_loss"] == pytest.approx(
        first["held_out_masked_lm_loss"], abs=0.01
    )


@pytest.mark.long
def test_a_run_that_was_cut_off_measures_what_one_that_was_not_does(make_stage):
    """Each line once, bit for bit."""
    straight, killed = make_stage("straight"), make_stage("killed")
    settings = {"num_steps": 40, "checkpoint_every_steps": 4, "micro_batch_size": 8, **EVERY}
    run(straight, **settings)
    process = killed.start(**settings)
    killed.wait_for_state(process, "step-00000012")
    process.kill()
    process.wait()

    done = run(killed, **settings)

    assert "resuming from step" in done.stderr
    assert killed.validation() == straight.validation()
    assert killed.losses() == straight.losses()


@pytest.mark.long
def test_patience_ends_a_run_and_keeps_its_best_weights(make_stage, tmp_path):
    """A learning rate far too large only does harm after a while; a retry trains no further."""
    stage, other = make_stage("stage"), make_stage("other")
    settings = {
        "num_steps": 400,
        "learning_rate": 0.9,
        "optimizer": "adamw",
        "patience": 2,
        "num_checkpoints_kept": 1,
        "checkpoint_directory": tmp_path / "states",
    }

    run(stage, **settings)

    losses = {entry["step"]: entry["held_out_loss"] for entry in stage.validation()}
    best = min(losses, key=losses.__getitem__)
    assert list(losses) == list(range(0, best + 21, 10))
    assert max(losses) < 400
    metrics = json.loads((stage.output / "metrics.json").read_text())
    assert metrics["best_step"] == best
    weights = stage.weights()

    shutil.rmtree(stage.output)
    done = run(stage, **settings)
    assert f"resuming from step {best + 20}" in done.stderr
    assert {name: value.tolist() for name, value in stage.weights().items()} == {
        name: value.tolist() for name, value in weights.items()
    }

    run(other, num_steps=1, initial_checkpoint=stage.output / "checkpoint")
    assert other.validation()[0]["held_out_loss"] == losses[best]


@pytest.mark.long
def test_another_run_starts_where_one_that_ended_early_left_its_state(make_stage, tmp_path):
    """That run is finished: its states go."""
    settings = {"checkpoint_directory": tmp_path / "states", "num_steps": 200, "patience": 1}
    early, other = make_stage("early"), make_stage("other")
    run(early, learning_rate=0.9, optimizer="adamw", **settings)

    done = run(other, **settings | {"num_steps": 10})

    assert "that run is finished: removed" in done.stderr


@pytest.mark.slow
def test_a_dataset_without_held_out_rows_trains_without_measuring(
    make_stage, dataset_path, tmp_path
):
    """One of an earlier version, say; patience needs some."""
    older = tmp_path / "older"
    shutil.copytree(dataset_path, older)
    manifest = read_manifest(older)
    del manifest["held_out"]
    (older / MANIFEST).write_text(json.dumps(manifest))
    stage, refused = make_stage(), make_stage("refused")

    run(stage, dataset=older, num_steps=5)
    done = refused.run(dataset=older, num_steps=5, patience=2)

    assert stage.validation() == []
    assert done.returncode == 2
    assert "patience needs held-out rows, and it has none" in done.stderr


@pytest.mark.long
def test_measuring_can_be_turned_off(make_stage):
    """Training is the same: it never sees the held-out rows."""
    measured, plain = make_stage("measured"), make_stage("plain")

    run(measured, num_steps=10)
    run(plain, num_steps=10, num_validation_batches=0)

    assert plain.validation() == []
    assert plain.losses() == measured.losses()


@pytest.mark.slow
def test_no_steps_pass_the_initial_checkpoint_on(make_stage, vocabulary_path, tmp_path):
    """A phase is left out so; its weights are measured all the same."""
    first, second, without = make_stage("first"), make_stage("second"), make_stage("without")
    run(first, num_steps=10)
    write_none(tmp_path / "none")

    run(second, num_steps=0, initial_checkpoint=first.output / "checkpoint")
    done = without.run(num_steps=0, initial_checkpoint=tmp_path / "none")

    expected = first.weights()
    assert second.weights().keys() == expected.keys()
    for name in expected.keys() - {"global_step"}:
        value = second.weights()[name]
        np.testing.assert_array_equal(value, expected[name])
    (start,) = second.validation()
    assert start == first.validation()[-1] | {"step": 0}
    assert done.returncode == 2
    assert "num_steps 0 needs an initial checkpoint to pass on" in done.stderr


@pytest.mark.long
def test_a_note_that_there_is_no_checkpoint_stands_for_none(make_stage, tmp_path):
    """As ingest writes it: the first weights are those of a run without the setting."""
    plain, noted = make_stage("plain"), make_stage("noted")
    write_none(tmp_path / "none")

    run(plain, num_steps=3)
    run(noted, num_steps=3, initial_checkpoint=tmp_path / "none")

    assert noted.losses() == plain.losses()
    assert noted.validation() == plain.validation()


@pytest.mark.parametrize("config", [CONFIG])
@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"validate_every_steps": 0}, "validate_every_steps must be 1 or more, got 0"),
        ({"patience": -1}, "patience must be 0 or more, got -1"),
        ({"patience": 1, "num_validation_batches": 0}, "patience needs measurements"),
    ],
)
def test_wrong_settings_are_rejected(make_stage, config, settings, said):
    """By the launcher, before TensorFlow is imported."""
    done = make_stage().run(bert_config=config, **settings)

    assert done.returncode == 2
    assert said in done.stderr
