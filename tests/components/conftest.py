"""Stores that stages of several kinds keep files in."""

import socket
from contextlib import ExitStack

import pytest

from tests.components.faulty_proxy import Faults, faulty_proxy


@pytest.fixture
def stores(monkeypatch):
    """Servers that speak S3's and Google's protocols, each with a bucket `data`.

    What this process and those that it starts open with boto3 and Google's library is there.
    Yields the faults that a proxy before them makes on demand.
    """
    import boto3
    import requests
    from gcp_storage_emulator.server import create_server
    from moto.server import ThreadedMotoServer

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    google_port = _free_port()
    google = create_server("127.0.0.1", google_port, in_memory=True, default_bucket="data")
    google.start()
    amazon = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    amazon.start()
    host, port = amazon.get_host_and_port()
    faults, proxies = Faults(), ExitStack()
    google_proxy = proxies.enter_context(faulty_proxy(f"127.0.0.1:{google_port}", faults))
    amazon_proxy = proxies.enter_context(faulty_proxy(f"{host}:{port}", faults))
    for name, value in {
        "STORAGE_EMULATOR_HOST": f"http://{google_proxy}",
        "AWS_ENDPOINT_URL": f"http://{amazon_proxy}",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    boto3.client("s3").create_bucket(Bucket="data")
    faults.requests.clear()
    yield faults
    proxies.close()
    requests.post(f"http://{host}:{port}/moto-api/reset", timeout=5)  # it outlives its server
    amazon.stop()
    google.stop()


def _free_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return unused.getsockname()[1]
