"""Runs whose workflow grew beyond 1 MB: KFP's list of their steps stays as it was."""

from pipelines.monitoring import watch
from tests.pipelines.fakes.fake_metadata import Execution

BEHIND = {"ingest": "SUCCEEDED", "pretrain": "RUNNING", "for-loop-1[0]/finetune": "RUNNING"}


def test_a_run_whose_workflow_was_compressed_is_followed_in_ml_metadata(follow, kfp):
    """KFP's list of its steps stays as it was when the workflow grew beyond 1 MB."""
    kfp.executions = [
        Execution("ingest"),
        Execution("preprocess", state="CACHED"),
        Execution("pretrain"),
        Execution("finetune", iteration=0),
        Execution("finetune", iteration=1),
        Execution("release"),
    ]

    done = follow(steps=BEHIND)

    assert done.lines[:6] == [
        "Fetch and check the inputs: done, 1 h 2 min",
        "Turn the text into records: done (from the cache)",
        "Pretrain at length 128: done, 1 h 2 min",
        "Fine-tune on SQuAD (2 times): done, 1 h 2 min",
        "Release: done, 1 h 2 min",
        "run: done",
    ]


def test_the_end_of_a_step_that_the_list_shows_as_running_is_ml_metadatas(follow, kfp):
    """Where the workflow was compressed in the run's last step."""
    kfp.executions = [Execution("ingest"), Execution("pretrain")]

    done = follow(steps={"ingest": "SUCCEEDED", "pretrain": "RUNNING"})

    assert "Pretrain at length 128: done, 1 h 2 min" in done.lines


def test_the_failed_step_of_such_a_run_is_reported_with_its_error(follow, kfp):
    """Its pod is known to ML Metadata alone."""
    kfp.executions = [
        Execution("ingest"),
        Execution("pretrain"),
        Execution("finetune", iteration=0, state="FAILED", pod="bert-x2v5k-impl-1"),
    ]
    kfp.logs = {"bert-x2v5k-impl-1": "finetune: error: no such folder\n"}

    done = follow(state="FAILED", steps=BEHIND)

    assert done.returncode == 1
    assert done.stderr == "error: Fine-tune on SQuAD: finetune: error: no such folder\n"


def test_what_such_a_run_did_is_left_open_where_ml_metadata_is_not_served(follow, kfp, monkeypatch):
    """At the API server's own address."""
    monkeypatch.setattr(watch, "_SECONDS_UNTIL_SETTLED", 0.0)
    kfp.is_ui = False

    done = follow(steps=BEHIND)

    assert done.returncode == 0
    assert "not run" not in done.stdout
    assert (
        "the end of these steps can't be read from here; give --host the address of Kubeflow's "
        "UI: Turn the text into records, Pretrain at length 128, "
    ) in done.stdout
