"""Trainings of one pipeline that run side by side keep their checkpoints apart."""

import itertools
from pathlib import Path

import pytest

from components.finetune.classification.config import FinetuneClassificationConfig
from components.finetune.squad.config import FinetuneConfig

OUTPUTS = {
    name: Path("/out", name)
    for name in ("initial_checkpoint", "checkpoint", "history", "finetune_metrics")
}


@pytest.mark.parametrize(
    ("config", "data"), [(FinetuneConfig, "squad"), (FinetuneClassificationConfig, "sentences")]
)
def test_each_learning_rate_and_seed_has_checkpoints_of_its_own(config, data):
    """In the one folder that is given for all of them."""
    places = {
        config(
            **OUTPUTS,
            **{data: Path("/data")},
            checkpoint_directory="gs://bucket/run",
            learning_rate=learning_rate,
            seed=seed,
        ).step_checkpoints
        for learning_rate, seed in itertools.product((2e-5, 3e-5), (1, 2))
    }

    assert len(places) == 4
    assert all(place.startswith("gs://bucket/run/") for place in places)
