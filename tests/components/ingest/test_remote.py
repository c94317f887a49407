"""Files in buckets, from an emulator of Google's storage."""

import os
import socket

import pytest
import requests
from gcp_storage_emulator.server import create_server

from components.ingest import remote
from components.ingest.download import Downloads
from components.ingest.remote import open_remote
from components.ingest.sources import parse_source
from components.ingest.transfer import Part, Version
from components.shared.errors import InputError

CONTENT = os.urandom(300_000)


@pytest.fixture
def bucket(monkeypatch):
    """A server that holds the object `a folder/x.bin` in the bucket `data`."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    emulator = create_server("127.0.0.1", port, in_memory=True, default_bucket="data")
    emulator.start()
    host = f"http://127.0.0.1:{port}"
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", host)
    upload(host, CONTENT)
    yield host
    emulator.stop()


def upload(host, content):
    """Put the object, a new generation each time."""
    requests.post(
        f"{host}/upload/storage/v1/b/data/o",
        params={"uploadType": "media", "name": "a folder/x.bin"},
        data=content,
        timeout=5,
    ).raise_for_status()


@pytest.fixture
def downloads(tmp_path):
    """Downloads that give up at once."""
    return Downloads(folder=tmp_path / "downloads", timeout_seconds=5, max_retries=0)


def test_an_object_is_downloaded(bucket, downloads):
    """Its name may hold a space."""
    path, _ = downloads.fetch(parse_source("gs://data/a folder/x.bin"), lambda path: None)

    assert path.name == "x.bin"
    assert path.read_bytes() == CONTENT


def test_a_part_of_an_object_is_completed(bucket, downloads):
    """The kept bytes stay: here they are marked, to tell them from downloaded ones."""
    source = parse_source("gs://data/a folder/x.bin")
    path, _ = downloads.fetch(source, lambda path: None)
    part = Part(path.with_name("x.bin.part"))
    path.unlink()
    part.path.write_bytes(b"\x00" * 1000)

    path, _ = downloads.fetch(source, lambda path: None)

    assert path.read_bytes() == b"\x00" * 1000 + CONTENT[1000:]


def test_a_kept_object_is_not_downloaded_again(bucket, downloads):
    """While its generation is the same: the kept bytes, marked here, stay."""
    source = parse_source("gs://data/a folder/x.bin")
    path, _ = downloads.fetch(source, lambda path: None)
    marked = CONTENT[:-1] + b"\x00"
    path.write_bytes(marked)

    path, _ = downloads.fetch(source, lambda path: None)

    assert path.read_bytes() == marked


def test_another_generation_is_started_over(bucket, downloads):
    """The generation is part of the URL that the note beside a part holds."""
    source = parse_source("gs://data/a folder/x.bin")
    before, _ = downloads.fetch(source, lambda path: None)
    note = Version.read(Part(before.with_name("x.bin.part")).note)
    upload(bucket, CONTENT[::-1])

    path, _ = downloads.fetch(source, lambda path: None)

    assert note is not None
    assert open_remote(source, timeout_seconds=5).url != note.url
    assert path.read_bytes() == CONTENT[::-1]


def test_a_missing_object_is_told_as_such(bucket, downloads):
    """By its gs:// address."""
    with pytest.raises(InputError, match=r"gs://data/none\.bin: the server answers 404"):
        downloads.fetch(parse_source("gs://data/none.bin"), lambda path: None)


def test_an_object_that_may_not_be_read_tells_the_role():
    """Of Google's storage."""
    error = remote.refusal("gs://data/x", 403)

    assert "Storage Object Viewer" in str(error)
