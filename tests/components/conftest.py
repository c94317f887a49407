"""Stores and disks that stages of several kinds keep files in."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.components.faulty_proxy import Faults, faulty_proxy
from tests.components.object_stores import google_server, s3_server, s3_settings


@pytest.fixture
def stores(monkeypatch):
    """Servers that speak S3's and Google's protocols, each with a bucket `data`.

    What this process and those that it starts open with boto3 and Google's library is there.
    Yields the faults that a proxy before them makes on demand.
    """
    import boto3

    faults = Faults()
    with ExitStack() as servers:
        google, amazon = (
            servers.enter_context(faulty_proxy(url.removeprefix("http://"), faults))
            for url in map(servers.enter_context, (google_server("data"), s3_server()))
        )
        google_settings = {"STORAGE_EMULATOR_HOST": f"http://{google}"}
        for name, value in {**google_settings, **s3_settings(f"http://{amazon}")}.items():
            monkeypatch.setenv(name, value)
        boto3.client("s3").create_bucket(Bucket="data")
        faults.requests.clear()
        yield faults


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Path]:
    """A file system of a size of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    mounted = subprocess.run(command, check=False, capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"a small file system needs the right to mount: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)
