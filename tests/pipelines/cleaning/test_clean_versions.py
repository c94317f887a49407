"""Versions that nothing refers to leave the cluster; no other does."""

from datetime import UTC, datetime, timedelta

import pytest
import yaml

from tests.pipelines.cli import run_command

ROOT = "s3://mlpipeline/v2/artifacts"
OLD = "2020-01-01T00:00:00Z"
SCHEDULE = {
    "name": "weekly",
    "pipeline": "bert",
    "version": "pinned",
    "cron": "0 0 3 * * 0",
    "parameters": {"dump": "simplewiki-latest", "squad_train": "gs://bucket/train.json"},
}


@pytest.fixture
def add_run(kfp, bucket):
    """Add a run of a version, with an artifact."""

    def add_run(version, state="SUCCEEDED"):
        reference = {key: version[key] for key in ("pipeline_id", "pipeline_version_id")}
        made = kfp.add(
            "runs",
            {
                "display_name": "run",
                "state": state,
                "created_at": OLD,
                "pipeline_version_reference": reference,
                "runtime_config": {"parameters": {}, "pipeline_root": ROOT},
            },
        )
        key = f"v2/artifacts/bert/{made['run_id']}/ingest/id/squad"
        bucket.put_object(Bucket="mlpipeline", Key=key, Body=b"x")
        return made["run_id"]

    return add_run


@pytest.fixture
def add_versions(kfp):
    """Add a pipeline with old versions, the last the newest; return these by name."""

    def add_versions(pipeline, *names):
        kfp.add_pipeline(pipeline, *names)
        *older, newest = versions = list(kfp.versions.values())[-1]
        for version in older:
            version["created_at"] = OLD
        newest["created_at"] = datetime.now(UTC).isoformat()
        return {one["display_name"]: one for one in versions}

    return add_versions


def clean(kfp, *flags):
    flags = ("--versions", "--keep-runs", 1, "--host", kfp.address, *flags)
    return run_command("clean", "--root", ROOT, "--older-than", "0h", *flags)


def list_versions(kfp):
    return {one["display_name"] for versions in kfp.versions.values() for one in versions}


def test_versions_that_nothing_uses_go(kfp, add_versions, add_run, tmp_path):
    """Those of recurring runs, of runs that stay, the newest, and other pipelines' stay."""
    names = ("unused", "cleaned", "pinned", "running", "kept", "newest")
    versions = add_versions("bert", *names)
    add_versions("theirs", "theirs-1", "theirs-2")
    file = tmp_path / "schedules.yaml"
    file.write_text(yaml.safe_dump({"schedules": [SCHEDULE]}), encoding="utf-8")
    scheduled = run_command("schedule", "apply", "--file", file, "--host", kfp.address)
    gone = add_run(versions["cleaned"])
    running = add_run(versions["running"], "RUNNING")
    kept = add_run(versions["kept"])
    before = list_versions(kfp)

    dry = clean(kfp, "--dry-run")
    after_dry = list_versions(kfp)
    done = clean(kfp)
    again = clean(kfp)

    assert scheduled.returncode == 0, scheduled.stderr
    assert done.returncode == 0, done.stderr
    assert after_dry == before
    assert before - list_versions(kfp) == {"unused", "cleaned"}
    assert kfp.objects["runs"].keys() == {running, kept}, gone
    assert done.lines[-7:] == [
        "remove  version cleaned: made on 2020-01-01",
        "remove  version unused: made on 2020-01-01",
        f"keep    version kept: used by run {kept}",
        "keep    version newest: the newest",
        "keep    version pinned: used by recurring run weekly",
        f"keep    version running: used by run {running}",
        "versions: removing 2 of 6",
    ]
    assert dry.lines[-7:] == [*done.lines[-7:-1], "versions: would remove 2 of 6"]
    assert again.lines[-1] == "versions: removing 0 of 4"


def test_a_version_that_is_young_stays(kfp, bucket, add_versions):
    """Whoever uploaded it may not have started its run yet."""
    versions = add_versions("bert", "old", "young", "newest")
    yesterday = datetime.now(UTC) - timedelta(days=1)
    versions["young"]["created_at"] = yesterday.isoformat()

    done = clean(kfp, "--older-than", "30d")

    assert list_versions(kfp) == {"young", "newest"}
    assert f"keep    version young: made on {yesterday:%Y-%m-%d}, too recently" in done.lines


def test_versions_stay_without_the_flag(kfp, bucket, add_versions):
    """And the flag needs a cluster."""
    add_versions("bert", "old", "newest")

    done = run_command("clean", "--root", ROOT, "--host", kfp.address)
    wrong = run_command("clean", "--root", ".", "--versions")

    assert done.returncode == 0, done.stderr
    assert list_versions(kfp) == {"old", "newest"}
    assert wrong.returncode == 2
    assert "--versions needs the --root of a cluster's runs" in wrong.last_error
