"""What the tests of ingest share: good inputs, and a server that misbehaves on demand."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.ingest.download import bucket_listing
from tests.components.ingest.misbehaving_server import Server
from tests.components.ingest.samples import Inputs, write_inputs
from tests.components.object_stores import s3_server


@pytest.fixture
def inputs(tmp_path: Path) -> Inputs:
    """Good inputs on disk."""
    return write_inputs(tmp_path / "inputs")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server on a free port of this machine, ended with the test."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Server() as started:
        thread = threading.Thread(target=started.serve_forever, args=(0.02,))
        thread.start()
        yield started
        started.is_ending = True
        started.shutdown()
        thread.join()


@pytest.fixture
def empty_s3(monkeypatch):
    """A client of an S3 server with the empty bucket `data`."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with s3_server() as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        bucket_listing._client.cache_clear()
        client = bucket_listing._client(5)
        client.create_bucket(Bucket="data")
        yield client
    bucket_listing._client.cache_clear()


@pytest.fixture
def settings(tmp_path, inputs):
    """Settings of a run on good local files."""
    return {
        "dump_files": tmp_path / "out" / "dump_files",
        "text_files": tmp_path / "out" / "text_files",
        "squad": tmp_path / "out" / "squad",
        "given_vocabulary": tmp_path / "out" / "given_vocabulary",
        "dump": str(inputs.dump),
        "squad_train": str(inputs.squad),
        "vocabulary": str(inputs.vocabulary),
    }
