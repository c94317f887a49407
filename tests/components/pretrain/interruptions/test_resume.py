"""A run that is killed goes on, and ends as one that was not."""

import re
import time

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from components.shared.storage.transfers import open_bucket
from components.shared.training.resuming.checkpoint_store import open_states
from tests.components.faulty_proxy import Fault
from tests.components.pretrain.stage import Stage
from tests.components.processes import find_children, is_running
from tests.waiting import LONGEST_SECONDS, wait_until

# A state does not fall on a line of the history: what came since the last line is kept too.
SETTINGS = {
    "num_steps": 60,
    "checkpoint_every_steps": 5,
    "log_every_steps": 7,
    "micro_batch_size": 8,
}


@pytest.fixture(scope="module")
def straight(dataset_path, vocabulary_path, tmp_path_factory) -> Stage:
    """A run on one process that nobody disturbed."""
    stage = Stage(dataset_path, vocabulary_path, tmp_path_factory.mktemp("straight"))
    done = stage.run(**SETTINGS)
    assert done.returncode == 0, done.stderr
    return stage


@pytest.mark.slow
def test_a_run_killed_twice_ends_as_if_it_had_not_been(make_stage, straight):
    """Losses and weights, bit for bit; the first time while a state is being written."""
    stage = make_stage()
    while not list(stage.states.glob(".step-*")):  # killed too late, it leaves no half of one
        _kill_at(stage, ".step-*")
    _kill_at(stage, "step-*")
    assert not (stage.output / "checkpoint").exists()

    done = stage.run(**SETTINGS)

    assert done.returncode == 0, done.stderr
    assert "resuming from step" in done.stderr
    assert stage.losses() == straight.losses()
    expected = straight.weights()
    for name, value in stage.weights().items():
        np.testing.assert_array_equal(value, expected[name])
    assert not stage.states.exists()


@pytest.mark.long
@pytest.mark.parametrize(("before", "after"), [(1, 2), (2, 1)])
def test_sigterm_saves_and_another_number_of_processes_resumes(make_stage, straight, before, after):
    """Status 143; the rows, their masks and dropout are the same, so the losses are."""
    stage = make_stage()
    process = stage.start(**SETTINGS, num_processes=before)
    stage.wait_for_state(process)
    process.terminate()
    _, errors = process.communicate(timeout=LONGEST_SECONDS)

    assert process.returncode == 143, errors
    step = int(re.search(r"ended by SIGTERM at step (\d+) of 60, which is saved", errors)[1])
    done = stage.run(**SETTINGS, num_processes=after)

    assert f"resuming from step {step} of" in done.stderr
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(stage.losses(), straight.losses(), rtol=1e-3)


@pytest.mark.long
def test_a_killed_step_ends_its_processes_and_the_run_resumes(make_stage, straight):
    """They would train with the same checkpoints as the next start."""
    stage = make_stage()
    process = stage.start(**SETTINGS, num_processes=2)
    stage.wait_for_state(process)
    family = find_children(process.pid)[-2:]
    process.kill()
    process.communicate()
    _wait_for_end(family)

    done = stage.run(**SETTINGS, num_processes=2)

    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(stage.losses(), straight.losses(), rtol=1e-3)


@pytest.mark.long
def test_a_broken_state_is_skipped_for_the_one_before(make_stage, straight):
    """One flipped byte in the newest: it is named, and the run ends as it should."""
    stage = make_stage()
    process = stage.start(**SETTINGS, num_checkpoints_kept=3)
    while len(list(stage.states.glob("step-*"))) < 3:
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.001)
    process.kill()
    process.communicate()
    *_, before, newest = sorted(stage.states.glob("step-*"))
    data = newest / "bert_model.ckpt.data-00000-of-00001"
    content = bytearray(data.read_bytes())
    content[len(content) // 2] ^= 1
    data.write_bytes(content)

    done = stage.run(**SETTINGS, num_checkpoints_kept=3)

    assert f"skipped {newest}: {data}: altered or cut short" in done.stderr
    assert f"resuming from step {int(before.name[5:])} of" in done.stderr
    assert stage.losses() == straight.losses()


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["gs", pytest.param("s3", marks=pytest.mark.long)])
def test_a_killed_run_resumes_from_a_bucket(make_stage, straight, stores, scheme, tmp_path):
    """The newest state lost a file: the one before is taken; in the end the last is left."""
    stage = make_stage()
    settings = {**SETTINGS, "checkpoint_directory": f"{scheme}://data/run/"}
    states = open_states(f"{scheme}://data/run/pretrain-32")
    process = stage.start(**settings)
    while len(states.names()) < 2 or not min(states.names()) > "step-00000005":
        assert process.poll() is None, process.communicate()[1]
    process.kill()
    process.communicate()
    newest, before, *_ = states.names()  # three, if it was killed before the oldest was gone
    bucket = open_bucket(f"{scheme}://data/run/pretrain-32")
    bucket.delete(f"{newest}/vocab.txt")

    done = stage.run(**settings)

    assert f"skipped {states}/{newest}: " in done.stderr
    assert "vocab.txt: missing" in done.stderr
    assert f"resuming from step {int(before[5:])} of {states}" in done.stderr
    assert stage.losses() == straight.losses()
    assert states.names() == ["step-00000060"]


@pytest.mark.slow
def test_a_full_store_ends_the_step_with_one_error(make_stage, straight, stores):
    """As Ceph says it; with more room, the next start finishes as if nothing had happened."""
    stage = make_stage()
    settings = {**SETTINGS, "checkpoint_directory": "s3://data/full"}
    body = b"<Error><Code>QuotaExceeded</Code><Message>no room left</Message></Error>"
    full = Fault("PUT", path="step-00000010", status=403, body=body, times=1000)
    stores.coming.append(full)

    failed = stage.run(**settings)
    left = sorted(path.name for path in stage.output.glob("checkpoint*"))
    full.times = 0
    done = stage.run(**settings)

    assert failed.returncode == 2, failed.stderr
    last = failed.stderr.splitlines()[-1]
    assert last.startswith("pretrain: error: s3://data/full/pretrain-32/step-00000010/")
    assert "QuotaExceeded" in last
    assert "Traceback" not in failed.stderr
    assert left == []
    assert done.returncode == 0, done.stderr
    assert "resuming from step 5 of" in done.stderr
    assert stage.losses() == straight.losses()


def _kill_at(stage: Stage, pattern: str) -> None:
    process = stage.start(**SETTINGS)
    stage.wait_for_state(process, pattern)
    process.kill()
    process.communicate()


def _wait_for_end(pids: list[int]) -> None:
    wait_until(lambda: not any(map(is_running, pids)))


@pytest.mark.long
def test_the_state_of_another_run_is_rejected_and_left(make_stage):
    """With another seed it would be neither the one run nor the other."""
    stage = make_stage()
    process = stage.start(checkpoint_every_steps=5, num_steps=4000)
    stage.wait_for_state(process)
    process.kill()
    process.communicate()

    done = stage.run(checkpoint_every_steps=5, num_steps=4000, seed=7)

    assert done.returncode == 2
    assert "the state of a run with seed 12345, this one has 7" in done.stderr.splitlines()[-1]
    assert list(stage.states.glob("step-*"))


@pytest.mark.long
def test_what_else_is_in_the_folder_of_states_is_left_alone(make_stage, tmp_path):
    """It may be a volume with other people's files."""
    volume = tmp_path / "volume" / "pretrain-32"
    volume.mkdir(parents=True)
    (volume / "precious").write_text("mine", encoding="utf-8")

    done = make_stage().run(checkpoint_directory=volume.parent, checkpoint_every_steps=5)

    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in volume.iterdir()) == ["precious", "step-00000030"]


@pytest.mark.long
def test_history_and_events_are_there_while_it_runs_and_whole_after_a_kill(make_stage, tmp_path):
    """Each line once, in both; on two processes only the first writes."""
    stage = make_stage()
    folder = tmp_path / "events"
    settings = {**SETTINGS, "num_processes": 2, "tensorboard_directory": folder}
    settings["compress_gradients"] = "true"  # the loss is scaled then
    process = stage.start(**settings)
    for _ in range(3):
        stage.wait_for_state(process)
    assert stage.history()
    family = [process.pid, *find_children(process.pid)[-2:]]
    process.kill()
    process.communicate()
    _wait_for_end(family)
    assert not (stage.output / "checkpoint").exists()

    done = stage.run(**settings)

    assert done.returncode == 0, done.stderr
    expected = [(entry["step"], pytest.approx(entry["loss"])) for entry in stage.history()]
    assert [step for step, _ in expected] == [*range(7, 60, 7), 60]
    events = EventAccumulator(str(folder / "pretrain-32")).Reload()
    assert [(event.step, event.value) for event in events.Scalars("loss")] == expected
    assert set(events.Tags()["scalars"]) == {
        "loss", "masked_lm_loss", "masked_lm_accuracy",
        "next_sentence_loss", "next_sentence_accuracy",
        "learning_rate", "loss_scale", "skipped_steps",
        "sequences_per_second", "tokens_per_second", "tokens_per_second_with_padding",
        "model_flops_per_second",
        "held_out_loss", "held_out_masked_lm_loss", "held_out_next_sentence_loss",
        "held_out_masked_lm_accuracy", "held_out_next_sentence_accuracy", "held_out_perplexity",
    }  # fmt: skip


@pytest.mark.slow
def test_a_second_run_in_the_same_place_is_rejected(make_stage, tmp_path):
    """Whatever its settings; the first trains on, and leaves the place free."""
    place = tmp_path / "places"
    settings = {"checkpoint_directory": place, "checkpoint_every_steps": 5, "num_steps": 4000}
    process = make_stage("first").start(**settings)
    wait_until((place / "pretrain-32" / "training.lock").exists, process)

    refused = make_stage("second").run(**settings, seed=7)
    process.terminate()
    _, errors = process.communicate(timeout=LONGEST_SECONDS)

    assert refused.returncode == 2
    last = refused.stderr.splitlines()[-1]
    assert f"{place}/pretrain-32: pretrain-32 on " in last
    assert "keeps its checkpoints here; wait for its end" in last
    assert process.returncode == 143, errors
    assert "which is saved" in errors
    names = [path.name for path in (place / "pretrain-32").iterdir()]
    assert names
    assert all(name.startswith("step-") for name in names)
