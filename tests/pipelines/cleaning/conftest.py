"""A cluster's runs, and the bucket that it keeps artifacts in."""

import boto3
import pytest

from tests.components.object_stores import s3_server, s3_settings

ROOT = "s3://mlpipeline/v2/artifacts"


@pytest.fixture
def bucket(monkeypatch):
    """A bucket, by what lists it and what fills it."""
    with s3_server() as url:
        for name, value in s3_settings(url).items():
            monkeypatch.setenv(name, value)
        client = boto3.client("s3")
        client.create_bucket(Bucket="mlpipeline")
        yield client


@pytest.fixture
def add_run(kfp, bucket):
    """Add a run with a file of two of its steps."""
    kfp.add_pipeline("bert", "1")
    (pipeline_id,) = kfp.objects["pipelines"]
    (version,) = kfp.versions[pipeline_id]
    reference = {key: version[key] for key in ("pipeline_id", "pipeline_version_id")}

    def add_run(state="SUCCEEDED", **parameters):
        made = kfp.add(
            "runs",
            {
                "display_name": "run",
                "state": state,
                "pipeline_version_reference": reference,
                "runtime_config": {"parameters": parameters, "pipeline_root": ROOT},
            },
        )
        for step in ("ingest", "evaluate"):
            key = f"v2/artifacts/bert/{made['run_id']}/{step}/id/report"
            bucket.put_object(Bucket="mlpipeline", Key=key, Body=b"x" * 50)
        return made["run_id"]

    return add_run
