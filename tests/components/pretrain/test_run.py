"""The whole stage: it learns, and refuses what can't work."""

import json

import numpy as np
import pytest

from tests.components.pretrain.stage import CONFIG


@pytest.mark.slow
def test_two_processes_learn_what_one_learns(make_stage):
    """Without dropout the losses agree: the global batch and its masks are the same."""
    without_dropout = json.dumps(
        json.loads(CONFIG) | {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    )
    one, two = make_stage("one"), make_stage("two")

    for stage, num_processes in ((one, 1), (two, 2)):
        done = stage.run(bert_config=without_dropout, num_processes=num_processes)
        assert done.returncode == 0, done.stderr

    losses = [[entry["loss"] for entry in stage.history()] for stage in (one, two)]
    np.testing.assert_allclose(losses[0], losses[1], rtol=2e-3)
    assert "30 of 30 steps" in done.stderr


@pytest.mark.slow
def test_accumulation_gives_what_one_large_batch_gives(make_stage):
    """Four micro-batches of 4 are one batch of 16."""
    without_dropout = json.dumps(
        json.loads(CONFIG) | {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    )
    large, small = make_stage("large"), make_stage("small")

    for stage, size in ((large, 16), (small, 4)):
        done = stage.run(bert_config=without_dropout, micro_batch_size=size, num_steps=10)
        assert done.returncode == 0, done.stderr

    losses = [[entry["loss"] for entry in stage.history()] for stage in (large, small)]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-4)


@pytest.mark.slow
def test_counting_is_learnt(make_stage):
    """The masked piece lies between its neighbours: the loss falls from ln 64 = 4.16."""
    stage = make_stage()

    done = stage.run(num_steps=400, learning_rate=0.02, log_every_steps=20)

    assert done.returncode == 0, done.stderr
    first, last = stage.history()[0], stage.history()[-1]
    assert first["masked_lm_loss"] == pytest.approx(np.log(64), abs=0.3)
    assert last["masked_lm_loss"] < 2.5
    assert last["masked_lm_accuracy"] > 0.2


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision_trains(make_stage, precision):
    """The loss falls from ln 64 = 4.16; with float16 through the loss scale."""
    stage = make_stage()

    done = stage.run(precision=precision, num_steps=250, learning_rate=0.02)

    assert done.returncode == 0, done.stderr
    assert stage.history()[-1]["masked_lm_loss"] < 3.7


@pytest.mark.slow
def test_phase_2_starts_from_phase_1(make_stage):
    """The first loss of the second run is near the last of the first, not near ln 64."""
    first, second = make_stage("first"), make_stage("second")
    assert first.run(num_steps=300, learning_rate=0.02).returncode == 0

    done = second.run(initial_checkpoint=first.output / "checkpoint", num_steps=5)

    assert done.returncode == 0, done.stderr
    last, new = first.history()[-1], second.history()[0]
    assert new["masked_lm_loss"] < last["masked_lm_loss"] + 0.5


@pytest.mark.slow
def test_a_wrong_input_ends_with_its_message_and_no_output(make_stage, tmp_path):
    """Exit status 2, one line, and no folder that the next stage could take for whole."""
    stage = make_stage()

    done = stage.run(dataset=tmp_path / "nothing", num_processes=2)

    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        f"pretrain: error: {tmp_path / 'nothing'}: no dataset.json in it, so this is not a whole "
        "dataset; run the preprocess stage again"
    )
    assert not (stage.output / "checkpoint").exists()
