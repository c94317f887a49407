"""Finished runs leave storage; what somebody refers to stays."""

import json
import os
import time

import pytest

from components.shared.model_store.store import open_store
from pipelines.cleaning import cluster_runs, run_folders
from pipelines.local.run_lock import run_under_way
from tests.pipelines.cli import run_command
from tests.pipelines.fakes.fake_metadata import Execution, Output

DAY = 24 * 3600
ROOT = "s3://mlpipeline/v2/artifacts"


@pytest.fixture
def runs(tmp_path):
    """Four runs on this machine, 10, 40, 50 and 60 days old."""
    folder = tmp_path / "runs"
    for days in (10, 40, 50, 60):
        file = folder / f"bert-2026-10-{days}-01-02-03-456789" / "evaluate" / "report"
        file.parent.mkdir(parents=True)
        file.write_text("x" * 100, encoding="utf-8")
        then = time.time() - days * DAY
        os.utime(file, (then, then))
    (folder / "bench").mkdir()
    return folder


def names(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith(".lock"))


def clean(root, *flags):
    return run_command("clean", "--root", root, *flags)


def test_old_runs_on_a_disk_go(runs):
    """First a list of what goes and what stays; a dry run stops there."""
    before = names(runs)

    dry = clean(runs, "--keep-runs", 1, "--dry-run")
    assert names(runs) == before
    done = clean(runs, "--keep-runs", 1)

    assert (dry.returncode, done.returncode) == (0, 0)
    assert done.lines[0].startswith("remove  bert-2026-10-40-01-02-03-456789: 100 B, changed ")
    assert done.lines[-2:] == [
        "keep    bert-2026-10-10-01-02-03-456789: one of the newest 1 of bert",
        f"{runs}: removing 3 of 4, 300 B",
    ]
    assert dry.lines[-1] == f"{runs}: would remove 3 of 4, 300 B"
    assert names(runs) == ["bench", "bert-2026-10-10-01-02-03-456789"]


@pytest.mark.parametrize("way", ["alone", "repeated", "with a comma"])
def test_a_run_that_a_model_version_names_stays(runs, tmp_path, way):
    """As its model.json says, in any of the stores that are named."""
    content = tmp_path / "content"
    content.mkdir()
    (content / "README.md").write_text("model", encoding="utf-8")
    store = tmp_path / "models"
    about = {"task": "squad", "scores": {}, "from": "runs/bert-2026-10-50-01-02-03-456789/choose"}
    version = open_store(str(store)).publish(content, about)

    empty = tmp_path / "empty"
    flags = {
        "alone": ("--model-store", store),
        "repeated": ("--model-store", store, "--model-store", empty),
        "with a comma": ("--model-store", f"{empty},{store}"),
    }

    done = clean(runs, "--keep-runs", 0, *flags[way])

    assert f"used by version {version} of {store}" in done.stdout
    assert "bert-2026-10-50-01-02-03-456789" in names(runs)
    assert "bert-2026-10-60-01-02-03-456789" not in names(runs)


def test_nothing_goes_while_a_run_is_under_way(runs):
    """It may read what others wrote."""
    with run_under_way(runs):
        done = clean(runs, "--keep-runs", 0)

    assert done.returncode == 2
    assert done.last_error.endswith(
        "a run is under way there, or another `clean`; try again when it has ended"
    )
    assert len(names(runs)) == 5


def test_a_removal_that_was_killed_is_finished(runs, monkeypatch):
    """What is left of the folder counts as no run."""

    def die(path):
        next(path.rglob("report")).unlink()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(run_folders.shutil, "rmtree", die)
        assert clean(runs, "--keep-runs", 1).returncode == 130
    assert ".removed-bert-2026-10-40-01-02-03-456789" in names(runs)

    assert clean(runs, "--keep-runs", 1).returncode == 0
    assert names(runs) == ["bench", "bert-2026-10-10-01-02-03-456789"]


def list_runs(bucket):
    keys = [one["Key"] for one in bucket.list_objects_v2(Bucket="mlpipeline").get("Contents", ())]
    return sorted({"/".join(key.split("/")[2:4]) for key in keys if key.startswith("v2/")})


def clean_cluster(kfp, *flags):
    flags = ("--older-than", "0h", "--host", kfp.address, *flags)
    return clean(ROOT, *flags)


def test_finished_runs_on_a_cluster_go_with_their_records(kfp, bucket, add_run):
    """The newest, the unfinished, what a recurring run names, and other pipelines' stay."""
    old, named, running, newest = (
        add_run(state) for state in ("FAILED", "SUCCEEDED", "RUNNING", "SUCCEEDED")
    )
    baseline = f"{ROOT}/bert/{named}/evaluate/id/metrics"
    kfp.add(
        "recurringruns",
        {"display_name": "monthly", "runtime_config": {"parameters": {"baseline": baseline}}},
    )
    for key in ("bert/gone/ingest/id/squad", "team/theirs/step/id/data"):
        bucket.put_object(Bucket="mlpipeline", Key=f"v2/artifacts/{key}", Body=b"x")

    dry = clean_cluster(kfp, "--keep-runs", 1, "--dry-run")
    assert old in kfp.objects["runs"]
    done = clean_cluster(kfp, "--keep-runs", 1)

    assert done.returncode == 0, done.stderr
    assert done.lines == [
        *(line.replace("would remove", "removing") for line in dry.lines),
    ]
    assert f"keep    bert/{named}: used by recurring run monthly" in done.lines
    assert f"keep    bert/{running}: not finished" in done.lines
    assert done.lines[-1] == f"{ROOT}: removing 2 of 5, 101 B"
    assert list_runs(bucket) == sorted(
        [f"bert/{run}" for run in (named, running, newest)] + ["team/theirs"]
    )
    assert kfp.objects["runs"].keys() == {named, running, newest}


def test_what_a_kept_run_took_from_the_cache_stays(kfp, bucket, add_run):
    """Its artifacts lie in the folder of the run that made them."""
    cached, other, newest = add_run(), add_run(), add_run()
    uri = f"{ROOT}/bert/{cached}/ingest/id/squad"
    kfp.executions = [Execution("ingest", [Output("squad", uri=uri)])]

    done = clean_cluster(kfp, "--keep-runs", 1)

    assert f"keep    bert/{cached}: used by a step of run {newest}" in done.lines
    assert list_runs(bucket) == sorted(f"bert/{run}" for run in (cached, newest))
    assert other not in kfp.objects["runs"]


def test_where_artifacts_can_not_be_listed_nothing_goes(kfp, bucket, add_run):
    """One of them might be another run's, which the store does not tell."""
    for _ in range(3):
        add_run()
    kfp.metadata_error = "unavailable"

    done = clean_cluster(kfp, "--keep-runs", 1)

    assert done.returncode == 2
    assert "its artifacts can't be listed" in done.last_error
    assert len(list_runs(bucket)) == len(kfp.objects["runs"]) == 3


def test_a_run_that_starts_meanwhile_keeps_what_it_uses(kfp, bucket, add_run, monkeypatch):
    """Its parameters are read after the records are deleted, before the files are."""
    old, newest = add_run(), add_run()
    delete = cluster_runs.ClusterRuns.delete

    def delete_late(self, run_id):
        add_run("RUNNING", initial_checkpoint=f"{ROOT}/bert/{run_id}/choose/id/checkpoint")
        return delete(self, run_id)

    monkeypatch.setattr(cluster_runs.ClusterRuns, "delete", delete_late)

    done = clean_cluster(kfp, "--keep-runs", 1)

    assert f"left after all: {ROOT}/bert/{old}: used by run " in done.stdout
    assert f"bert/{old}" in list_runs(bucket)
    assert newest in kfp.objects["runs"]


def test_old_checkpoints_and_downloads_go(kfp, bucket, add_run):
    """Those that no run that stays names."""
    add_run("RUNNING", checkpoint_directory="s3://mlpipeline/checkpoints/second")
    for name in ("first/pretrain/step-1/vocab.txt", "second/pretrain/step-1/vocab.txt"):
        bucket.put_object(
            Bucket="mlpipeline", Key=f"checkpoints/{name}", Body=json.dumps("x").encode()
        )

    done = clean_cluster(kfp, "--scratch", "s3://mlpipeline/checkpoints/")

    assert done.lines[-1] == "s3://mlpipeline/checkpoints: removing 1 of 2, 3 B"
    listed = bucket.list_objects_v2(Bucket="mlpipeline", Prefix="checkpoints/")["Contents"]
    assert [one["Key"] for one in listed] == ["checkpoints/second/pretrain/step-1/vocab.txt"]


@pytest.mark.parametrize("under_way", [False, True])
def test_checkpoints_of_trainings_that_were_cut_off_go(kfp, bucket, add_run, under_way):
    """A recurring run names the place of all; a run under way may work in any of them."""
    place = "s3://mlpipeline/checkpoints"
    names = ["data-0123456789abcdef/pretrain/step-1/vocab.txt", "mine/step-1/vocab.txt"]
    for name in names:
        bucket.put_object(Bucket="mlpipeline", Key=f"checkpoints/{name}", Body=b"x")
    parameters = {"checkpoint_directory": place}
    kfp.add(
        "recurringruns",
        {"display_name": "monthly", "runtime_config": {"parameters": parameters}},
    )
    if under_way:
        add_run("RUNNING", **parameters)

    done = clean_cluster(kfp, "--scratch", place)

    assert done.returncode == 0, done.stderr
    listed = bucket.list_objects_v2(Bucket="mlpipeline", Prefix="checkpoints/")["Contents"]
    left = names if under_way else names[1:]
    assert [one["Key"] for one in listed] == [f"checkpoints/{name}" for name in left]
    assert "keep    mine: used by recurring run monthly" in done.lines


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--root", "nowhere"), "root nowhere: no such folder"),
        (("--root", "ftp://host/x"), "root must be a path"),
        (("--keep-runs", "-1"), "keep_runs must be 0 or more, got -1"),
        (("--older-than", "a month"), "older_than must be days or hours"),
    ],
)
def test_wrong_flags_are_named(flags, message):
    """Nothing is listed before."""
    done = run_command("clean", *flags)

    assert done.returncode == 2
    assert message in done.last_error
