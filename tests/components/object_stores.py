"""Servers on loopback that speak the protocols of S3 and of Google Cloud Storage."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.waiting import LONGEST_SECONDS


def s3_settings(url: str) -> dict[str, str]:
    """Return the environment in which boto3 finds a server."""
    return {
        "NO_PROXY": "127.0.0.1",
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }


@contextmanager
def s3_server() -> Iterator[str]:
    """Run a server without buckets; yield its URL."""
    import requests
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        url = f"http://{host}:{port}"
        # Its buckets belong to this process, and outlive an earlier server.
        with requests.Session() as session:
            session.trust_env = False  # no proxy
            session.post(f"{url}/moto-api/reset", timeout=LONGEST_SECONDS).raise_for_status()
        yield url
    finally:
        server.stop()


@contextmanager
def google_server(bucket: str) -> Iterator[str]:
    """Run a server with an empty bucket; yield its URL."""
    from gcp_storage_emulator.server import create_server

    server = create_server("127.0.0.1", 0, in_memory=True, default_bucket=bucket)
    server.start()
    try:
        # Port 0 is any free one: a port chosen before could be taken by now.
        host, port = server._api._httpd.server_address
        yield f"http://{host}:{port}"
    finally:
        server.stop()
