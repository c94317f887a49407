"""Settings are refused with their remedy before anything starts."""

import subprocess
import sys
from pathlib import Path

import pytest

from components.pretrain.config import PretrainConfig
from components.shared.errors import InputError


def make(**changes) -> PretrainConfig:
    paths = ("dataset", "vocabulary", "checkpoint", "history", "pretrain_metrics")
    return PretrainConfig(**{name: Path(name) for name in paths}, **changes)


def test_a_batch_that_does_not_divide_is_rejected_with_the_nearest_that_do():
    """64 rows can't be shared by 6 processes."""
    with pytest.raises(InputError, match="64 cannot .* num_processes 6; .*: 60 and 66"):
        make(global_batch_size=64, num_processes=6)


def test_the_nearest_batches_are_of_full_micro_batches():
    """7 GPUs with room for 64 rows each take 448 at once: 146 or 147 times."""
    with pytest.raises(InputError, match="65536 cannot .* up to 64 .*: 65408 and 65856"):
        make(global_batch_size=65536, micro_batch_size=64, num_processes=7)


def test_a_share_that_only_cuts_into_crumbs_is_rejected():
    """9,349 is prime: one row at once, where 64 fit."""
    with pytest.raises(InputError, match="nearest valid sizes: 9344 and 9408"):
        make(global_batch_size=9349, micro_batch_size=64)


@pytest.mark.parametrize(
    ("global_batch", "micro_batch", "processes", "expected"),
    [(64, 32, 1, (2, 32)), (64, 32, 2, (1, 32)), (65536, 16, 8, (512, 16)), (24, 10, 2, (2, 6))],
)
def test_the_global_batch_is_cut_evenly(global_batch, micro_batch, processes, expected):
    """NVIDIA's DGX-1 recipe among them: 8 processes, 512 times 16 rows each."""
    config = make(
        global_batch_size=global_batch, micro_batch_size=micro_batch, num_processes=processes
    )

    assert config.split_batch(processes) == expected


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("mask_rate", 0.0),
        ("optimizer", "sgd"),
        ("preset", "huge"),
        ("precision", "float16"),
        ("xla", "yes"),
        ("warmup_rate", 1.0),
        ("learning_rate", 0.0),
        ("num_processes", 0),
        ("num_steps", -1),
        ("seed", -1),
        ("max_restarts", -1),
        ("tensorboard_directory", "s3://bucket/events"),
        ("checkpoint_directory", "gcs://bucket/run"),
        ("sequence_length", 4),
        ("hang_timeout_seconds", float("nan")),
        ("hang_timeout_seconds", float("inf")),
        ("pending_timeout_seconds", float("nan")),
    ],
)
def test_a_setting_out_of_range_is_named(setting, value):
    """With what was given."""
    with pytest.raises(InputError, match=f"{setting} must be .*{value}"):
        make(**{setting: value})


@pytest.mark.parametrize("stage", ["pretrain", "finetune"])
def test_the_launcher_starts_without_tensorflow(stage):
    """Only the ranks need it; the launcher of many would import it for nothing."""
    check = f"import sys, components.{stage}.__main__; sys.exit('tensorflow' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
