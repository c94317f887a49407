"""Runs that a real KFP 2.17 listed, as `follow` tells them."""

from pipelines.monitoring import watch
from tests.answers import read_answer
from tests.pipelines.cli import run_command
from tests.pipelines.fakes.fake_metadata import Execution, Output

# In run-retraining-failed.
FAILED_POD = "bert-retraining-lwwqm-retry-system-container-impl-3263893669"


def test_the_recorded_failed_run(follow, kfp):
    """The step that failed, its pod, and all that Argo left out after it."""
    run = read_answer("run-failed")
    tasks = run["run_details"]["task_details"]
    (tries,) = (one["child_tasks"] for one in tasks if one["display_name"] == "executor")
    number = tries[-1]["pod_name"].rpartition("-")[2]

    done = follow(run)

    assert done.returncode == 1
    assert "Fetch and check the inputs: failed, 1 min 20 s" in done.stdout
    assert done.lines[-2] == (
        "not run: Turn the text into records, Pretrain at length 128, Pretrain at length 512, "
        "Fine-tune on SQuAD, Evaluate, Choose the best model, Release"
    )
    assert f" bert-nj5xl-retry-system-container-impl-{number} --container main" in done.stderr


def test_the_recorded_run_that_succeeded(follow, kfp):
    """All seven steps, one of them tried twice; metrics by step, of the last try.

    It was recorded before there was a release.
    """
    kfp.executions = [
        Execution("ingest", [Output("squad", {"questions": 60})]),
        Execution(
            "pretrain",
            [
                Output("executor-logs"),
                Output("pretrain_metrics", {"loss": 9.75}),
                Output("pretrain_metrics", {"loss": 6.125}),
            ],
        ),
        Execution("pretrain-2", [Output("pretrain_metrics", {"loss": 5.5})]),
        Execution("finetune", [Output("finetune_metrics", {"loss": 1.25})], iteration=0),
        Execution("evaluate", [Output("evaluate_metrics", {"f1": 88.123456})], iteration=0),
        Execution(
            "choose",
            [Output("chosen_metrics", {"f1": 88.123456, "exact": 81.5, "seed": 12345.0})],
        ),
    ]

    done = follow(read_answer("run-succeeded"))

    assert done.returncode == 0, done.stderr
    lines = done.lines
    assert lines[:8] == [
        "Fetch and check the inputs: done, 10 s",
        "Turn the text into records: done, 10 s",
        "Pretrain at length 128: done, 1 min 57 s",
        "Pretrain at length 512: done, 20 s",
        "Fine-tune on SQuAD: done, 21 s",
        "Evaluate: done, 20 s",
        "Choose the best model: done, 10 s",
        "run: done",
    ]
    assert lines[8:-1] == [
        "not run: Release",
        *("Pretrain at length 128:", "  loss: 6.125", "Pretrain at length 512:", "  loss: 5.5"),
        *("Fine-tune on SQuAD:", "  loss: 1.25", "Evaluate:", "  f1: 88.12"),
        *("Choose the best model:", "  exact: 81.5", "  f1: 88.12", "  seed: 12345"),
    ]


def test_the_recorded_run_that_found_nothing_new(follow):
    """It says so, and which steps did not run; the message is sent by an exit handler."""
    done = follow(read_answer("run-nothing-new"), package="bert-retraining")

    assert done.returncode == 0
    assert done.lines[:-1] == [
        "Look for new data: done, 10 s",
        "Tell how the run ended: done, 10 s",
        "run: done",
        "nothing new: the data is that trained on last",
        "not run: Fetch and check the inputs, Turn the text into records, Pretrain at length "
        "128, Pretrain at length 512, Fine-tune on SQuAD, Evaluate, Choose the best model, "
        "Release, Record the data",
    ]


def test_the_recorded_retraining_that_failed(follow, kfp):
    """The step failed below an exit handler, a condition and a pipeline; then came the message."""
    run = read_answer("run-retraining-failed")
    kfp.logs = {FAILED_POD: "ingest: error: no such object\n"}

    done = follow(run, package="bert-retraining")

    assert done.returncode == 1
    assert done.stderr == ("error: Fetch and check the inputs: ingest: error: no such object\n")
    assert done.lines[:4] == [
        "Look for new data: done, 41 s",
        "Fetch and check the inputs: failed, 2 min 12 s",
        "Tell how the run ended: done, 23 s",
        "run: failed",
    ]


def test_the_recorded_scheduled_run_shows_what_it_found(kfp, monkeypatch):
    """Steps within a condition, of a run that is still going: interrupted, it goes on."""
    monkeypatch.setattr(
        watch.time,
        "sleep",
        lambda _: (_ for _ in ()).throw(KeyboardInterrupt),
    )
    kfp.add_pipeline("bert-retraining", "1")
    run = read_answer("run-scheduled")
    ((version,),) = kfp.versions.values()
    run_id = kfp.add("runs", {**run, "pipeline_spec": version["pipeline_spec"]})["run_id"]
    kfp.look_at = dict

    done = run_command("follow", run_id, "--host", kfp.address)

    assert done.returncode == 130
    assert "Look for new data: done, 10 s" in done.stdout
    assert "Fetch and check the inputs: done, 53 s" in done.stdout
