"""Runs on a cluster, listed with what came of them."""

import json

import pytest

from tests.pipelines.cli import run_command
from tests.pipelines.fakes.fake_metadata import Execution, Output

_STEP_TO_OUTPUT = {
    "look-for-dump": "changes",
    "release": "release_metrics",
    "choose": "chosen_metrics",
}


def test_runs_are_listed_the_newest_first(kfp):
    """With state, time and link."""
    kfp.add("runs", {"display_name": "first", "state": "FAILED", "finished_at": "1970-01-01"})
    for name in ("second", "third"):
        run = kfp.add("runs", {"display_name": name, "state": "SUCCEEDED"})
        run["finished_at"] = "2026-11-01T02:05:00Z"

    done = run_command("runs", "--host", kfp.address, "--limit", 2)

    assert done.returncode == 0, done.stderr
    head, *rows = done.stdout.splitlines()
    assert head.split() == ["NAME", "STATE", "CREATED", "DURATION", "LINK"]
    assert [row.split()[0] for row in rows] == ["third", "second"]
    assert "done   2026-11-01 00:00 UTC  2 h 4 min" in rows[0]
    assert rows[0].endswith("/#/runs/details/runs-3")


@pytest.mark.parametrize(
    ("package", "outputs", "result", "outcome"),
    [
        (
            "bert-retraining",
            {
                "look-for-dump": {"status": "new", "changed": "dump changed, text was added"},
                "release": {"released": 1},
                "choose": {"exact": 80.0, "f1": 88.123},
            },
            "published, f1 88.12",
            "published",
        ),
        (
            "bert-retraining",
            {"release": {"released": 0}, "choose": {"exact": 80.0, "f1": 70.0}},
            "held back, f1 70.00",
            "held_back",
        ),
        ("bert-retraining", {}, "nothing new", "nothing_new"),
        (
            "bert-retraining",
            {"look-for-dump": {"status": "already_running"}},
            "already running",
            "already_running",
        ),
        ("bert", {}, "", ""),
        ("classification", {"choose": {"accuracy": 0.5, "f1": 0.4}}, "accuracy 0.50", ""),
    ],
)
def test_runs_since_a_time_have_their_results(kfp, package, outputs, result, outcome):
    """As a table and as JSON; older runs are left out."""
    kfp.add_pipeline(package, "1")
    ((version,),) = kfp.versions.values()
    reference = {key: version[key] for key in ("pipeline_id", "pipeline_version_id")}
    run = {"display_name": "run", "state": "SUCCEEDED", "pipeline_version_reference": reference}
    kfp.add("runs", run)["finished_at"] = "2026-11-01T02:00:00Z"
    suffix = "-classification" if package == "classification" else ""
    kfp.executions = [
        Execution(f"{step}{suffix}", [Output(_STEP_TO_OUTPUT[step], scalars)])
        for step, scalars in outputs.items()
    ]
    command = ("runs", "--host", kfp.address, "--since")

    table = run_command(*command, "30000d").stdout.splitlines()
    (row,) = json.loads(run_command(*command, "30000d", "--output", "json").stdout)
    older = run_command(*command, "1h").stdout.splitlines()

    changed = outputs.get("look-for-dump", {}).get("changed", "")
    assert table[0].split()[-3:] == ["RESULT", "NEW", "LINK"]
    assert f"  {result}  {changed}  " in table[1]
    assert (row["result"], row["outcome"], row["hours"]) == (result, outcome, 2.0)
    assert row["changed"] == changed
    assert row["scores"] == outputs.get("choose", {})
    assert len(older) == 1


def test_a_time_that_is_none_is_rejected(kfp):
    """With the form that it has."""
    done = run_command("runs", "--host", kfp.address, "--since", "soon")

    assert done.returncode == 2
    assert "--since must be days or hours, such as 30d or 12h, got 'soon'" in done.last_error


def test_runs_of_an_experiment_that_is_not_there(kfp):
    """It is named."""
    done = run_command("runs", "--host", kfp.address, "--experiment", "none")

    assert done.returncode == 2
    assert "has no experiment 'none'" in done.last_error
