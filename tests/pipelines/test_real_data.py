"""Pretraining learns from real text: stages on real files, each in its own environment."""

import subprocess
from pathlib import Path

import pytest

from components.shared.training.history import History
from pipelines.local.environments import REPOSITORY, python


def run_stage(stage: str, **flags) -> None:
    pairs = [(f"--{name.replace('_', '-')}", str(value)) for name, value in flags.items()]
    done = subprocess.run(
        [python(stage), "-m", f"components.{stage}", *sum(pairs, ())],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def prepared(real_data, tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("prepared")
    dump = folder / "dump"
    dump.mkdir()
    (dump / "enwiki-excerpt.xml.bz2").symlink_to((real_data / "enwiki-excerpt.xml.bz2").resolve())
    outputs = {"dataset": folder / "dataset", "vocabulary": folder / "vocab.txt"}
    given = real_data / "uncased-vocab.txt"
    run_stage("preprocess", dump_files=dump, given_vocabulary=given, num_duplicates=1, **outputs)
    return outputs


def pretrain(prepared: dict[str, Path], output: Path, **settings) -> list[dict]:
    run_stage(
        "pretrain",
        **prepared,
        checkpoint=output / "checkpoint",
        history=output / "history.jsonl",
        pretrain_metrics=output / "metrics.json",
        preset="tiny",
        **settings,
    )
    return History.read(output / "history.jsonl").entries


@pytest.mark.slow
def test_masked_lm_loss_falls_on_wikipedia(prepared, tmp_path):
    """From ln 30522 = 10.3 by more than a unit in 120 steps; 300 steps bring it under 8."""
    entries = pretrain(prepared, tmp_path, num_steps=120, global_batch_size=32)

    assert entries[0]["masked_lm_loss"] == pytest.approx(10.3, abs=0.2)
    assert entries[-1]["masked_lm_loss"] < 9.3


@pytest.mark.slow
def test_without_a_learning_rate_nothing_is_learnt(prepared, tmp_path):
    """The control: the fall is due to the updates."""
    entries = pretrain(prepared, tmp_path, num_steps=20, global_batch_size=32, learning_rate=1e-12)

    assert entries[-1]["masked_lm_loss"] > 10.2
