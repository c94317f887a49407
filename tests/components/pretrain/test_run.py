"""The whole stage: it learns, goes on where it was killed, and refuses what can't work."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from components.shared.bert.history import History

LENGTH = 32
CONFIG = json.dumps(
    {
        "vocab_size": 64,
        "hidden_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "max_position_embeddings": 32,
    }
)


class Stage:
    """Runs `python -m components.pretrain` on the small dataset."""

    def __init__(self, dataset: Path, vocabulary: Path, output: Path) -> None:
        self.output = output
        self._flags = {
            "dataset": dataset,
            "vocabulary": vocabulary,
            "checkpoint": output / "checkpoint",
            "history": output / "history.jsonl",
            "metrics": output / "metrics.json",
            "sequence-length": LENGTH,
            "bert-config": CONFIG,
            "global-batch-size": 16,
            "micro-batch-size": 16,
            "num-steps": 30,
            "learning-rate": 0.01,
            "log-every-steps": 5,
        }

    def command(self, **changes) -> list[str]:
        flags = self._flags | {name.replace("_", "-"): v for name, v in changes.items()}
        pairs = [(f"--{name}", str(value)) for name, value in flags.items()]
        return [sys.executable, "-m", "components.pretrain", *sum(pairs, ())]

    def run(self, **changes) -> subprocess.CompletedProcess:
        return subprocess.run(
            self.command(**changes), capture_output=True, text=True, check=False, timeout=300
        )

    def kill_after_first_checkpoint(self, **changes) -> Path:
        """Start it, kill it with a state on disk, and return the folder of states."""
        process = subprocess.Popen(
            self.command(**changes), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        steps = self.output / "checkpoint-steps"
        deadline = time.monotonic() + 120
        while not list(steps.glob("step-*")) and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        return steps

    def history(self) -> list[dict]:
        return History.read(self.output / "history.jsonl").entries

    def weights(self) -> dict[str, np.ndarray]:
        reader = tf.train.load_checkpoint(str(self.output / "checkpoint" / "bert_model.ckpt"))
        return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}


@pytest.fixture
def make_stage(dataset_path, vocabulary_path, tmp_path):
    def make(name: str = "out") -> Stage:
        return Stage(dataset_path, vocabulary_path, tmp_path / name)

    return make


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
def test_a_killed_run_goes_on_and_ends_as_if_it_had_not_been(make_stage):
    """Losses and weights, bit for bit, on one process."""
    straight, killed = make_stage("straight"), make_stage("killed")
    settings = {"checkpoint_every_steps": 5, "log_every_steps": 5, "num_steps": 40}
    assert straight.run(**settings).returncode == 0

    steps = killed.kill_after_first_checkpoint(**settings)
    assert not (killed.output / "checkpoint").exists()
    done = killed.run(**settings)

    assert done.returncode == 0, done.stderr
    assert "going on from step" in done.stderr
    assert not steps.exists()
    losses = [[entry["loss"] for entry in s.history()] for s in (straight, killed)]
    assert losses[0] == losses[1]
    expected = straight.weights()
    for name, value in killed.weights().items():
        np.testing.assert_array_equal(value, expected[name])


@pytest.mark.slow
def test_the_state_of_another_run_is_refused_and_left(make_stage):
    """With another seed it would be neither the one run nor the other."""
    stage = make_stage()
    steps = stage.kill_after_first_checkpoint(checkpoint_every_steps=5, num_steps=4000)

    done = stage.run(checkpoint_every_steps=5, num_steps=4000, seed=7)

    assert done.returncode == 2
    assert "the state of a run with seed 12345, this one has 7" in done.stderr.splitlines()[-1]
    assert list(steps.glob("step-*"))


@pytest.mark.slow
def test_what_else_is_in_the_folder_of_states_is_left_alone(make_stage, tmp_path):
    """It may be a volume with other people's files."""
    volume = tmp_path / "volume"
    volume.mkdir()
    (volume / "precious").write_text("mine", encoding="utf-8")

    done = make_stage().run(checkpoint_directory=volume, checkpoint_every_steps=5)

    assert done.returncode == 0, done.stderr
    assert [path.name for path in volume.iterdir()] == ["precious"]


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
