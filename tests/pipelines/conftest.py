"""A fake Kubeflow Pipelines, and runs of it that are followed."""

import pytest

from pipelines.monitoring import watch
from tests.pipelines.cli import run_command
from tests.pipelines.fakes.fake_kfp import running_fake_kfp


@pytest.fixture
def kfp(monkeypatch):
    monkeypatch.setattr(watch, "_SECONDS_BETWEEN_LOOKS", 0.01)
    with running_fake_kfp() as server:
        yield server


@pytest.fixture
def follow(kfp):
    """Follow a run that was recorded, or one that goes as given."""

    def run(recorded=None, *, state="SUCCEEDED", steps=(), package="bert", flags=(), **fields):
        if recorded is None:
            kfp.story = [(state, dict(steps))]
            recorded = {"display_name": "run", "state": "RUNNING"}
        kfp.add_pipeline(package, "1")
        (pipeline_id,) = (
            id_ for id_, one in kfp.objects["pipelines"].items() if one["display_name"] == package
        )
        (version,) = kfp.versions[pipeline_id]
        reference = {key: version[key] for key in ("pipeline_id", "pipeline_version_id")}
        made = kfp.add("runs", {**recorded, "pipeline_version_reference": reference, **fields})
        return run_command("follow", made["run_id"], "--host", kfp.address, *flags)

    return run
