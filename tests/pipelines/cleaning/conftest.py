"""The bucket that a cluster keeps artifacts in."""

import boto3
import pytest

from tests.components.object_stores import s3_server, s3_settings


@pytest.fixture
def bucket(monkeypatch):
    """A bucket, by what lists it and what fills it."""
    with s3_server() as url:
        for name, value in s3_settings(url).items():
            monkeypatch.setenv(name, value)
        client = boto3.client("s3")
        client.create_bucket(Bucket="mlpipeline")
        yield client
