"""A webhook gets one message on a run's end, and none that it did not ask for."""

import json
import socket
from dataclasses import replace

import pytest

from components.notify.run import run
from components.shared.errors import InputError
from components.shared.run_claim import claim_record
from components.shared.stage.start import ERROR_FILE
from components.shared.storage import artifact_paths
from components.shared.storage.transfers import open_bucket
from tests.servers import WEBHOOK_SECRET

NOTHING_NEW = {"status": "nothing_new", "summary": "nothing new: enwiki-20261001 was trained on"}
NEW = {"status": "new", "summary": "new: enwiki-20261101"}
PUBLISHED = {
    "released": 1,
    "decision": "released as v2: F1 differs by +1.00 points",
    "version": "v2",
    "scores": {"f1": 81.0},
    "scores_in_use": {"f1": 80.0},
}
HELD_BACK = {"released": 0, "decision": "held back: F1 70.00 is below the minimum 75"}
ERROR = "pretrain: error: the loss is not finite at step 7\nLower learning_rate."


def fail(leave) -> None:
    leave(f"pretrain/{ERROR_FILE}", ERROR)


RUNNING = {"status": "already_running", "summary": "already running: run run-0 works on it"}

ENDS = {
    "already_running": ("RUNNING", lambda leave: leave("look-for-dump/changes", RUNNING)),
    "nothing_new": ("RUNNING", lambda leave: leave("look-for-dump/changes", NOTHING_NEW)),
    "published": ("SUCCEEDED", lambda leave: leave("release/release_metrics", PUBLISHED)),
    "held_back": ("COMPLETE", lambda leave: leave("release/release_metrics", HELD_BACK)),
    "failed": ("FAILED", fail),
}


@pytest.mark.parametrize("status", ENDS)
def test_each_end_of_a_run_is_told(hook, leave, make_config, status):
    """By one message, which the output holds too."""
    state, leave_files = ENDS[status]
    leave_files(leave)
    config = make_config(state, ui_url="https://kubeflow.example.com/pipeline/")

    metadata = run(config)

    (message,) = hook.messages
    assert message["status"] == status
    assert message["run"] == "run-1"
    assert message["pipeline"] == "bert-retraining"
    assert message["link"] == "https://kubeflow.example.com/pipeline/#/runs/details/run-1"
    assert json.loads(config.notification.read_text("utf-8")) == message
    assert metadata["notification"]["status"] == status


def test_a_failure_names_the_step_and_its_error(hook, leave, make_config):
    """Without what is secret in its addresses."""
    leave("look-for-dump/changes", NEW)
    leave(f"pretrain-2/{ERROR_FILE}", f"{ERROR} See https://user:hidden@host/x?token=hidden")

    run(make_config("FAILED"))

    (message,) = hook.messages
    assert message["failed_step"] == "pretrain-2"
    assert message["error"].startswith(ERROR)
    assert message["summary"] == (
        "pretrain-2 failed: pretrain: error: the loss is not finite at step 7"
    )
    assert "hidden" not in json.dumps(message)


def test_a_publication_has_the_scores_of_both_models(hook, leave, make_config):
    """And the version, and why."""
    leave("release/release_metrics", PUBLISHED)

    run(make_config("SUCCEEDED"))

    (message,) = hook.messages
    assert message["version"] == "v2"
    assert message["scores"] == {"f1": 81.0}
    assert message["scores_in_use"] == {"f1": 80.0}
    assert message["summary"] == PUBLISHED["decision"]


def test_a_run_that_failed_after_its_release_has_failed(hook, leave, make_config):
    """And the message still says what was published."""
    leave("release/release_metrics", PUBLISHED)
    leave(f"record-dump/{ERROR_FILE}", "ingest record: error: the disk is full")

    run(make_config("FAILED"))

    (message,) = hook.messages
    assert (message["status"], message["version"]) == ("failed", "v2")
    assert message["failed_step"] == "record-dump"


@pytest.mark.parametrize(
    ("files", "status"),
    [
        ({}, "failed"),
        ({"look-for-dump/changes": NEW}, "failed"),
        ({"look-for-dump/changes": NOTHING_NEW}, "nothing_new"),
        ({"look-for-dump/changes": NEW, "release/release_metrics": PUBLISHED}, "published"),
    ],
)
def test_the_files_tell_where_kubeflow_does_not_know(hook, leave, make_config, files, status):
    """A lost pod leaves the state RUNNING, and so does a skipped part."""
    for name, content in files.items():
        leave(name, content)

    run(make_config("RUNNING"))

    assert [message["status"] for message in hook.messages] == [status]


@pytest.mark.parametrize("status", ENDS)
def test_an_end_that_is_left_out_is_not_told(hook, leave, make_config, status):
    """The others are."""
    state, leave_files = ENDS[status]
    leave_files(leave)

    run(make_config(state, notify_on=tuple(one for one in ENDS if one != status)))
    assert hook.messages == []
    run(make_config(state, notify_on=(status,)))
    assert len(hook.messages) == 1


@pytest.mark.parametrize(
    ("state", "notify_on", "num_messages"),
    [
        ("SUCCEEDED", (), 0),
        ("SUCCEEDED", ("failed",), 0),
        ("SUCCEEDED", ("published",), 1),
        ("RUNNING", ("failed",), 1),
        ("RUNNING", (), 0),
    ],
)
def test_an_unknown_end_is_told_where_it_may_be_a_wanted_one(
    hook, leave, make_config, state, notify_on, num_messages
):
    """Kubeflow's success is no failure, whatever can't be read."""
    leave("look-for-dump/changes", "{")

    run(make_config(state, notify_on=notify_on))

    assert [one["status"] for one in hook.messages] == ["ended"] * num_messages


def test_slack_gets_one_text(hook, leave, make_config):
    """With its marks escaped, and each fact on a line."""
    leave("release/release_metrics", {**PUBLISHED, "decision": "released as v2: 1 < 2 & 3"})

    run(make_config("SUCCEEDED", notify_format="slack", ui_url="http://ui"))

    assert hook.messages == [
        {
            "text": "bert-retraining: published\nreleased as v2: 1 &lt; 2 &amp; 3\n"
            "f1 81.00 (in use: 80.00)\nhttp://ui/#/runs/details/run-1"
        }
    ]


def test_slack_gets_all_lines_of_an_error(hook, leave, make_config):
    """After the first, which is the summary's."""
    fail(leave)

    run(make_config("FAILED", notify_format="slack"))

    assert hook.messages == [
        {
            "text": "bert-retraining: failed\n"
            "pretrain failed: pretrain: error: the loss is not finite at step 7\n"
            f"{ERROR}\nrun run-1"
        }
    ]


def test_the_address_may_be_in_the_environment(hook, leave, make_config, monkeypatch):
    """As a secret of Kubernetes puts it there, with a line's end."""
    fail(leave)
    monkeypatch.setenv("NOTIFY_URL", f"{hook.url}\n")

    run(make_config("FAILED", notify_url=""))

    assert len(hook.messages) == 1


def test_without_an_address_nothing_is_sent(leave, make_config, capsys):
    """And the log says so."""
    fail(leave)
    config = make_config("FAILED", notify_url="")

    run(config)

    assert config.notification.exists()
    assert "no message: neither notify_url nor NOTIFY_URL is given" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("statuses", "num_tries", "said"),
    [
        ([500] * 3, 3, "127.0.0.1: the server answers 500"),
        ([500, 503], 3, ""),
        ([404], 1, "127.0.0.1: the server answers 404"),
        ([302], 1, "127.0.0.1: the server answers 302"),
    ],
)
def test_a_webhook_that_fails_costs_a_warning(
    hook, leave, make_config, capsys, statuses, num_tries, said
):
    """Its faults may pass, a refusal does not; the log does not name the address."""
    fail(leave)
    hook.statuses = list(statuses)

    run(make_config("FAILED"))

    shown = capsys.readouterr()
    assert len(hook.messages) == num_tries
    assert ("warning: the message was not delivered" in shown.err) == bool(said)
    assert said in shown.err
    assert WEBHOOK_SECRET not in shown.out + shown.err


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:{port}/{secret}", "http://[{secret}", "{secret}"]
)
def test_a_webhook_that_is_not_there_costs_a_warning(
    hook, leave, make_config, monkeypatch, capsys, url
):
    """As does an address that is none; neither is shown."""
    fail(leave)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    monkeypatch.setenv("NOTIFY_URL", url.format(port=port, secret=WEBHOOK_SECRET))

    run(make_config("FAILED", notify_url=""))

    shown = capsys.readouterr()
    assert "warning: the message was not delivered: " in shown.err
    assert WEBHOOK_SECRET not in shown.out + shown.err


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"notify_url": WEBHOOK_SECRET}, "notify_url must be an http:// or https:// address"),
        ({"ui_url": "kubeflow"}, "ui_url must be an http:// or https:// address"),
        ({"notify_on": ("done",)}, "notify_on must be one of failed, held_back, published, "),
        ({"notify_format": "xml"}, "notify_format must be one of json, slack, got 'xml'"),
    ],
)
def test_an_invalid_setting_is_rejected(make_config, settings, said):
    """In one line, without the webhook's address."""
    with pytest.raises(InputError) as caught:
        make_config("FAILED", **settings)

    assert said in str(caught.value)
    assert WEBHOOK_SECRET not in str(caught.value)


@pytest.mark.parametrize("content", ["{", '{"released": "yes"}'])
def test_a_file_that_cannot_be_read_is_named(hook, leave, make_config, content):
    """The message comes all the same."""
    leave("release/release_metrics", content)

    run(make_config("SUCCEEDED"))

    (message,) = hook.messages
    assert message["status"] == "ended"
    assert "its files can't be read: release/release_metrics: " in message["summary"]


def test_a_store_is_read_as_kubeflow_fills_it(hook, make_config, stores, tmp_path, monkeypatch):
    """A folder for each execution; the error is in the last log of a step's tries."""
    monkeypatch.setattr(artifact_paths, "_SCHEME_TO_MOUNT", {"s3://": f"{tmp_path}/s3/"})
    root = "data/v2/artifacts/bert-retraining/uuid-1"
    objects = {
        "release/uuid-2/executor-logs-0": "release: error: of the first try\n",
        "release/uuid-2/executor-logs-1": "release: held back\n",
        "release/uuid-2/release_metrics": json.dumps(HELD_BACK),
        "record-dump/uuid-3/executor-logs": "ingest record: error: the disk is full\n",
    }
    bucket = open_bucket(f"s3://{root}")
    for name, content in objects.items():
        (tmp_path / "x").write_text(content, encoding="utf-8")
        bucket.upload(tmp_path / "x", name)
    notification = tmp_path / "s3" / root / "notify" / "uuid-4" / "notification"
    config = make_config("FAILED")

    for state in ("FAILED", "COMPLETE"):
        run(replace(config, final_status={"state": state}, notification=notification))

    failed, held_back = hook.messages
    assert failed["run"] == "uuid-1"
    assert failed["failed_step"] == "record-dump"
    assert failed["error"] == "ingest record: error: the disk is full"
    assert held_back["status"] == "held_back"


def test_a_store_that_refuses_is_named_in_the_message(hook, make_config, tmp_path, monkeypatch):
    """A failure is told even then."""
    monkeypatch.setattr(artifact_paths, "_SCHEME_TO_MOUNT", {"s3://": f"{tmp_path}/s3/"})
    folder = tmp_path / "s3" / "bucket" / "bert-retraining" / "uuid-1" / "notify" / "uuid-4"
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))

    for state in ("FAILED", "COMPLETE"):
        run(
            replace(
                make_config(state),
                notification=folder / "notification",
            )
        )

    assert [message["status"] for message in hook.messages] == ["failed", "ended"]
    assert all("credentials" in message["summary"] for message in hook.messages)


@pytest.mark.parametrize("url", ["", None])
def test_the_end_of_a_run_leaves_its_record_to_others(make_config, tmp_path, url):
    """With a webhook and without one; another run's claim stays."""
    own, other = str(tmp_path / "own.json"), str(tmp_path / "other.json")
    claim_record(own, "run-1", max_hours=1)
    claim_record(other, "run-2", max_hours=1)
    settings = {} if url is None else {"notify_url": url}

    for record in (own, other, str(tmp_path / "none.json")):
        run(make_config("FAILED", record=record, **settings))

    assert sorted(path.name for path in tmp_path.glob("*.running")) == ["other.json.running"]


def test_a_claim_that_can_not_be_removed_costs_a_warning(hook, make_config, tmp_path, capsys):
    """The message is sent; the claim is obsolete some days later."""
    (tmp_path / "last.json.running").write_text("{")

    run(make_config("SUCCEEDED", record=str(tmp_path / "last.json")))

    assert "notify: warning: " in capsys.readouterr().err
    assert len(hook.messages) == 1
