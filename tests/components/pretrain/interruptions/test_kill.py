"""What ends a training process doesn't end the step: it restarts, and ends as if undisturbed."""

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from components.shared.bert.config import BertConfig
from components.shared.bert.heads import PretrainingModel
from components.shared.checkpoints.checkpoint import write_checkpoint
from components.shared.tokens.tokenization import Tokenization
from tests.components.pretrain.stage import CONFIG, Stage
from tests.components.processes import find_children
from tests.waiting import wait_until

SETTINGS = {
    "num_steps": 200,
    "checkpoint_every_steps": 10,
    "log_every_steps": 7,
    "xla": "off",  # compiling takes longer than the training, at each restart
}

EXIT_137 = signal.SIGUSR2
# A shell or a container passes the end of what the kernel killed on as this status.
EXITS_WHEN_ASKED = """
import os, signal
signal.signal(signal.SIGUSR2, lambda *_: os._exit(137))
"""


@pytest.fixture(scope="module")
def straight(dataset_path, vocabulary_path, tmp_path_factory) -> Callable[..., Stage]:
    """Gives a run that nobody disturbed, with settings of its own."""

    @cache
    def run(**settings) -> Stage:
        stage = Stage(dataset_path, vocabulary_path, tmp_path_factory.mktemp("straight"))
        done = stage.run(**SETTINGS | settings)
        assert done.returncode == 0, done.stderr
        return stage

    return run


def expect_equal(stage: Stage, expected: Stage) -> None:
    """Losses and weights, bit for bit."""
    assert stage.losses() == expected.losses()
    theirs = expected.weights()
    for name, value in stage.weights().items():
        np.testing.assert_array_equal(value, theirs[name])


in_test_kill = pytest.mark.skipif(
    os.environ.get("KILL_OFTEN") != "true",
    reason="needs an idle machine for a quarter of an hour: make test-kill",
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("num_processes", "events"),
    [
        (1, [(0, signal.SIGKILL), (0, EXIT_137)]),
        pytest.param(
            1,
            [(0, signal.SIGKILL), (0, signal.SIGSTOP), (0, EXIT_137), (0, signal.SIGKILL)],
            marks=in_test_kill,
        ),
        pytest.param(
            2,
            [
                (0, signal.SIGKILL),
                (1, signal.SIGKILL),
                (1, EXIT_137),
                (1, signal.SIGTERM),
                (0, signal.SIGSTOP),
            ],
            marks=in_test_kill,
        ),
    ],
)
def test_whatever_ends_a_training_process_the_step_ends_as_if_undisturbed(
    make_stage, straight, num_processes, events, random_seed, tmp_path, monkeypatch
):
    """At random moments after a new checkpoint: killed, terminated alone, stopped, or ended.

    More often than max_restarts allows in a row, as it gets further each time.
    """
    moments = random.Random(random_seed + num_processes)
    (tmp_path / "sitecustomize.py").write_text(EXITS_WHEN_ASKED)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    stage = make_stage()
    # So many that the last event comes before the end, also on a machine with other work.
    num_steps = 2000 // num_processes**2 if len(events) > 1 else 400
    settings = {"num_processes": num_processes, "num_steps": num_steps}
    process = stage.start(**SETTINGS | settings, max_restarts=1, hang_timeout_seconds=15)
    ranks: list[int] = []
    try:
        for rank, sent in events:
            # Ranks that are ending may still save a state.
            wait_until(lambda ended=ranks: not {*ended} & {*find_children(process.pid)}, process)
            stage.wait_for_state(process)
            time.sleep(moments.uniform(0, 0.1))
            ranks = find_children(process.pid)[-num_processes:]
            os.kill(ranks[rank], sent)
        assert "tensorflow" not in Path(f"/proc/{process.pid}/maps").read_text()
        _, errors = process.communicate(timeout=600)
    finally:
        process.kill()

    assert process.returncode == 0, errors
    lines = [line for line in errors.splitlines() if "; restart 1 of 1 from step " in line]
    assert len(lines) == len(events), errors
    for line, (rank, sent) in zip(lines, events, strict=True):
        who = "the training" if num_processes == 1 else f"rank {rank} of {num_processes}"
        assert line.startswith(
            {
                signal.SIGKILL: f"pretrain-32: {who} failed: the process ended with signal 9",
                EXIT_137: f"pretrain-32: {who} failed: the process ended with exit status 137",
                signal.SIGSTOP: f"pretrain-32: {who} failed: it has not run for",
                signal.SIGTERM: "pretrain-32: ended by SIGTERM at step",
            }[sent]
        )
    expect_equal(stage, straight(**settings))


@pytest.mark.slow
def test_an_output_that_was_lost_is_written_again_without_training(make_stage, straight, tmp_path):
    """From the last state, which stays where `checkpoint_directory` is given; and no other."""
    settings = {**SETTINGS, "checkpoint_directory": tmp_path / "kept"}
    stage = make_stage()
    first = stage.run(**settings)
    shutil.rmtree(stage.output)  # with the pod, before its upload

    again = stage.run(**settings)

    assert first.returncode == again.returncode == 0, first.stderr + again.stderr
    states = tmp_path / "kept" / "pretrain-32"
    assert [path.name for path in states.iterdir()] == ["step-00000200"]
    assert f"resuming from step 200 of {states}" in again.stderr
    assert ": 0 steps in " in again.stderr
    expect_equal(stage, straight())


@pytest.mark.long
def test_the_last_state_of_a_run_makes_room_for_the_next_run(make_stage, straight, tmp_path):
    """With other settings; that of a run that has not finished is refused elsewhere."""
    settings = {**SETTINGS, "checkpoint_directory": tmp_path / "kept"}
    other = make_stage("other").run(**{**settings, "num_steps": 40}, seed=7)
    stage = make_stage()

    done = stage.run(**settings)

    assert other.returncode == done.returncode == 0, other.stderr + done.stderr
    assert "that run is finished: removed" in done.stderr
    assert [path.name for path in (tmp_path / "kept").glob("*/*")] == ["step-00000200"]
    expect_equal(stage, straight())


@pytest.mark.long
def test_another_initial_checkpoint_is_another_run(make_stage, vocabulary_path, tmp_path):
    """A finished training on other first weights is not taken for this one."""
    settings = {"num_steps": 20, "checkpoint_directory": tmp_path / "kept"}
    losses = []
    for seed in (1, 2):
        model = PretrainingModel(BertConfig.parse(CONFIG, source="test"), seed=seed)
        model.build()
        initial, stage = tmp_path / f"initial-{seed}", make_stage(f"result-{seed}")
        write_checkpoint(
            initial,
            model=model,
            vocabulary=vocabulary_path,
            tokenization=Tokenization(lowercase=True),
        )
        done = stage.run(**settings, initial_checkpoint=initial)
        assert done.returncode == 0, done.stderr
        losses.append(stage.losses())

    assert losses[0] != losses[1]


@pytest.mark.slow
@pytest.mark.parametrize("what", ["output", pytest.param("states", marks=pytest.mark.long)])
def test_a_full_disk_ends_the_step_with_one_error_and_the_next_start_finishes(
    make_stage, straight, small_disk, tmp_path, what
):
    """Nothing half-written is left; with more room, the weights are those of a run on its own."""
    stage = make_stage("disk") if what == "output" else make_stage()
    kept = (tmp_path if what == "output" else small_disk) / "kept"
    settings = {**SETTINGS, "checkpoint_directory": kept}

    failed = stage.run(**settings)

    assert failed.returncode == 2, failed.stderr
    last = failed.stderr.splitlines()[-1]
    assert last.startswith("pretrain: error: ")
    assert "No space left on device; free some there" in last
    assert "Traceback" not in failed.stderr
    assert "restart" not in failed.stderr
    assert not (stage.output / "checkpoint").exists()
    assert not [path for path in small_disk.rglob("*") if "checkpoint-" in path.name]
    subprocess.run(["mount", "-o", "remount,size=20m", str(small_disk)], check=True)
    done = stage.run(**settings)
    assert done.returncode == 0, done.stderr
    expect_equal(stage, straight())
