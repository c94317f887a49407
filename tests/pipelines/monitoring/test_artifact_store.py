"""Metrics and logs of a run from the artifact store, where nothing else can be read."""

import json

import boto3
import pytest

from tests.components.object_stores import s3_server, s3_settings

TASKS = ("ingest", "preprocess", "pretrain", "pretrain-2")


@pytest.fixture
def store(monkeypatch):
    """A server that speaks S3's protocol, with the settings that boto3 finds it by."""
    with s3_server() as url:
        for name, value in s3_settings(url).items():
            monkeypatch.setenv(name, value)
        client = boto3.client("s3")
        client.create_bucket(Bucket="mlpipeline")
        yield lambda name, text: client.put_object(
            Bucket="mlpipeline", Key=name, Body=text.encode()
        )


@pytest.mark.parametrize("scheme", ["minio", "s3"])
def test_metrics_and_logs_are_read_from_the_store(follow, kfp, store, scheme):
    """At the API server's own address, with the store's settings in the environment."""
    kfp.is_ui = False
    # The next run's id.
    folder = "v2/artifacts/bert/runs-3"
    store(f"{folder}/pretrain/uuid-1/pretrain_metrics", json.dumps({"loss": 6.5, "name": "x"}))
    store(f"{folder}/pretrain/uuid-1/history", "{}")
    store(f"{folder}/pretrain/uuid-1/checkpoint/vocab.txt", "[PAD]")
    store(f"{folder}/pretrain-2/uuid-2/executor-logs-0", "pretrain: error: the first\n")
    store(f"{folder}/pretrain-2/uuid-2/executor-logs-1", "pretrain: error: the second\n")
    steps = dict.fromkeys(TASKS, "SUCCEEDED") | {"pretrain-2": "FAILED,FAILED"}

    done = follow(
        state="FAILED",
        steps=steps,
        runtime_config={"pipeline_root": f"{scheme}://mlpipeline/v2/artifacts"},
    )

    assert done.returncode == 1
    assert done.stderr == "error: Pretrain at length 512: pretrain: error: the second\n"
    assert done.lines[-3:-1] == ["Pretrain at length 128:", "  loss: 6.5"]


def test_a_store_that_refuses_is_reported(follow, kfp, store):
    """The message says what to check."""
    kfp.is_ui = False

    done = follow(
        steps=dict.fromkeys(TASKS, "SUCCEEDED"),
        runtime_config={"pipeline_root": "s3://other/v2/artifacts"},
    )

    assert done.returncode == 0
    (said,) = done.stderr.splitlines()
    assert "the artifact store: s3://other/v2/artifacts/bert/runs-3" in said
    assert "check the bucket's name, the credentials and the network" in said
