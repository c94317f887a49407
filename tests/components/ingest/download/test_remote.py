"""Files in buckets, from emulators of Google's storage and of S3."""

import random

import pytest
import requests

from components.ingest.download import bucket_listing, remote
from components.ingest.download.fetch import fetch
from components.ingest.download.file_checks import DamagedFileError
from components.ingest.download.remote import open_remote, resolve_remote
from components.ingest.download.resumable import Downloads
from components.ingest.download.sources import parse_source
from components.ingest.download.transfer import Part, Version
from components.shared.errors import InputError
from tests.components.ingest.misbehaving_server import Answer
from tests.components.object_stores import google_server

CONTENT = random.Random(1).randbytes(300_000)


@pytest.fixture
def bucket(monkeypatch):
    """A server that holds the object `a folder/x.bin` in the bucket `data`."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with google_server("data") as host:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", host)
        upload(host, CONTENT)
        yield host


def upload(host, content):
    """Put the object, a new generation each time."""
    requests.post(
        f"{host}/upload/storage/v1/b/data/o",
        params={"uploadType": "media", "name": "a folder/x.bin"},
        data=content,
        timeout=60,
    ).raise_for_status()


@pytest.fixture
def downloads(tmp_path):
    """Downloads that give up at once."""
    return Downloads(folder=tmp_path / "downloads", timeout_seconds=60, max_retries=0)


def test_an_object_is_downloaded(bucket, downloads):
    """Its name may hold a space."""
    path, _ = downloads.fetch(parse_source("gs://data/a folder/x.bin"), lambda path, stored: None)

    assert path.name == "x.bin"
    assert path.read_bytes() == CONTENT


def test_a_part_of_an_object_is_completed(bucket, downloads):
    """The kept bytes stay: here they are marked, to tell them from downloaded ones."""
    source = parse_source("gs://data/a folder/x.bin")
    path, _ = downloads.fetch(source, lambda path, stored: None)
    part = Part(path.with_name("x.bin.part"))
    path.unlink()
    part.path.write_bytes(b"\x00" * 1000)

    path, _ = downloads.fetch(source, lambda path, stored: None)

    assert path.read_bytes() == b"\x00" * 1000 + CONTENT[1000:]


def test_a_kept_object_is_not_downloaded_again(bucket, downloads):
    """While its generation is the same: the kept bytes, marked here, stay."""
    source = parse_source("gs://data/a folder/x.bin")
    path, _ = downloads.fetch(source, lambda path, stored: None)
    marked = CONTENT[:-1] + b"\x00"
    path.write_bytes(marked)

    path, _ = downloads.fetch(source, lambda path, stored: None)

    assert path.read_bytes() == marked


def test_another_generation_is_started_over(bucket, downloads):
    """The generation is part of the URL that the note beside a part holds."""
    source = parse_source("gs://data/a folder/x.bin")
    before, _ = downloads.fetch(source, lambda path, stored: None)
    note = Version.read(Part(before.with_name("x.bin.part")).note)
    upload(bucket, CONTENT[::-1])

    path, _ = downloads.fetch(source, lambda path, stored: None)

    assert note is not None
    assert open_remote(source, timeout_seconds=60).url != note.url
    assert path.read_bytes() == CONTENT[::-1]


def test_a_missing_object_is_told_as_such(bucket, downloads):
    """By its gs:// address."""
    with pytest.raises(InputError, match=r"gs://data/none\.bin: the server answers 404"):
        downloads.fetch(parse_source("gs://data/none.bin"), lambda path, stored: None)


def test_an_object_that_may_not_be_read_tells_the_role():
    """Of Google's storage."""
    error = remote.refusal("gs://data/x", 403)

    assert "Storage Object Viewer" in str(error)


@pytest.fixture
def s3(empty_s3):
    """A client of an S3 server with the object `a folder/x.bin` in the bucket `data`."""
    empty_s3.put_object(Bucket="data", Key="a folder/x.bin", Body=CONTENT)
    return empty_s3


def test_an_s3_object_is_downloaded_and_completed(s3, downloads):
    """The kept bytes stay: here they are marked, to tell them from downloaded ones."""
    source = parse_source("s3://data/a folder/x.bin")
    path, _ = downloads.fetch(source, lambda path, stored: None)
    assert path.read_bytes() == CONTENT
    part = Part(path.with_name("x.bin.part"))
    path.unlink()
    part.path.write_bytes(b"\x00" * 1000)

    path, _ = downloads.fetch(source, lambda path, stored: None)

    assert path.read_bytes() == b"\x00" * 1000 + CONTENT[1000:]


def test_a_changed_s3_object_is_started_over(s3, downloads):
    """Its ETag is another."""
    source = parse_source("s3://data/a folder/x.bin")
    downloads.fetch(source, lambda path, stored: None)
    s3.put_object(Bucket="data", Key="a folder/x.bin", Body=CONTENT[::-1])

    path, _ = downloads.fetch(source, lambda path, stored: None)

    assert path.read_bytes() == CONTENT[::-1]


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("s3://data/none.bin", "s3://data/none.bin: the store answers 404"),
        ("s3://nobucket/x.bin", "s3://nobucket/x.bin: the store answers 404"),
    ],
)
def test_what_s3_does_not_have_is_told_as_such(s3, downloads, address, said):
    """By its s3:// address."""
    with pytest.raises(InputError, match=said):
        downloads.fetch(parse_source(address), lambda path, stored: None)


def test_a_pattern_matches_s3_objects(s3):
    """`*` within a folder, `**` below it; over more pages than one."""
    for key in ("d/b.bz2", "d/a.bz2", "d/e/c.bz2", "d/a.txt"):
        s3.put_object(Bucket="data", Key=key, Body=b"x")

    one, deep = (
        resolve_remote(parse_source(f"s3://data/{pattern}"), timeout_seconds=60)
        for pattern in ("d/*.bz2", "d/**/*.bz2")
    )

    assert [source.location for source in one] == ["s3://data/d/a.bz2", "s3://data/d/b.bz2"]
    assert [source.name for source in deep] == ["a.bz2", "b.bz2", "c.bz2"]


def test_a_pattern_matches_google_objects(bucket):
    """The space in a name survives."""
    (source,) = resolve_remote(parse_source("gs://data/a*/*.bin"), timeout_seconds=60)

    assert source.location == "gs://data/a%20folder/x.bin"
    for pattern in ("*.bz2", "a folder?x.bin"):
        with pytest.raises(InputError, match="no object matches"):
            resolve_remote(parse_source(f"gs://data/{pattern}"), timeout_seconds=60)


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("d/p?.bz2", ["d/p1.bz2", "d/p2.bz2", "d/p3.bz2"]),
        ("d/p[12].bz2", ["d/p1.bz2", "d/p2.bz2"]),
        ("d/p[!1-2].bz2", ["d/p3.bz2"]),
        ("d/p%5B1%5D.b*", ["d/p%5B1%5D.bz2"]),
    ],
)
def test_signs_of_a_pattern_are_globs(s3, pattern, found):
    """No sign but `**` stands for a slash; a percent-encoded sign stands for itself."""
    for key in ("d/p1.bz2", "d/p2.bz2", "d/p3.bz2", "d/p[1].bz2", "d/p10.bz2"):
        s3.put_object(Bucket="data", Key=key, Body=b"x")
    source = parse_source(f"s3://data/{pattern}")

    sources = resolve_remote(source, timeout_seconds=60)

    assert [source.location for source in sources] == [f"s3://data/{name}" for name in found]


def test_a_google_object_is_compared_with_the_stores_checksums(bucket, downloads):
    """Bytes that were altered on the way, or in the folder of downloads, are fetched once more."""
    source = parse_source("gs://data/a folder/x.bin")
    stored = open_remote(source, timeout_seconds=60).algorithm_to_digest
    path, _ = downloads.fetch(source, lambda path, stored: None)
    path.write_bytes(CONTENT[:-1] + b"\x00")

    fetched = fetch(source, {}, downloads, lambda path: None)

    assert set(stored) == {"md5", "crc32c"}
    assert fetched.path.read_bytes() == CONTENT


@pytest.mark.parametrize("algorithm", ["SHA256", "SHA1", "CRC32"])
def test_an_s3_object_is_compared_with_the_stores_checksums(s3, downloads, algorithm):
    """Those that it was uploaded with, and the MD5 that its ETag is."""
    s3.put_object(Bucket="data", Key="x.bin", Body=CONTENT, ChecksumAlgorithm=algorithm)
    source = parse_source("s3://data/x.bin")
    stored = open_remote(source, timeout_seconds=60).algorithm_to_digest
    path, _ = downloads.fetch(source, lambda path, stored: None)
    path.write_bytes(CONTENT[:-1] + b"\x00")

    fetched = fetch(source, {}, downloads, lambda path: None)

    assert {algorithm.lower(), "md5"} <= set(stored)
    assert fetched.path.read_bytes() == CONTENT


def test_a_store_that_sends_other_bytes_than_it_says_is_found_out(s3, downloads, monkeypatch):
    """Also at the second try."""
    true_checksums = bucket_listing._read_checksums
    monkeypatch.setattr(
        bucket_listing, "_read_checksums", lambda head: true_checksums(head) | {"md5": "0" * 32}
    )

    with pytest.raises(DamagedFileError, match=r"s3://data/a folder/x.bin: md5 .* expected 0000"):
        fetch(parse_source("s3://data/a folder/x.bin"), {}, downloads, lambda path: None)


def test_an_etag_of_parts_is_no_checksum():
    """Nor is the one of an object that the store keeps encrypted with a key of one's own."""
    head = {"ETag": '"' + "a" * 32 + '-2"', "ChecksumSHA256": "aaaa-2"}
    encrypted = {"ETag": '"' + "a" * 32 + '"', "ServerSideEncryption": "aws:kms"}

    assert bucket_listing._read_checksums(head) == {}
    assert bucket_listing._read_checksums(encrypted) == {}


def test_a_bucket_that_is_not_there_is_told_as_such(s3):
    """When it is listed."""
    with pytest.raises(InputError, match=r"s3://nobucket/\*: the store answers NoSuchBucket"):
        resolve_remote(parse_source("s3://nobucket/*"), timeout_seconds=60)


def test_a_store_that_can_not_be_reached_is_told_as_such(monkeypatch, downloads):
    """After the retries."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    bucket_listing._client.cache_clear()

    with pytest.raises(InputError, match=r"s3://data/x.bin: the server can't be reached"):
        downloads.fetch(parse_source("s3://data/x.bin"), lambda path, stored: None)
    bucket_listing._client.cache_clear()


def test_a_pattern_on_a_web_server_is_rejected():
    """Nobody can list its files."""
    with pytest.raises(InputError, match="can't be asked what matches"):
        parse_source("https://host/dumps/*.bz2")


def test_an_endless_listing_is_given_up(server, monkeypatch):
    """Of a store that has one more page each time."""
    url = server.serve("/storage/v1/b/data/o", Answer(b'{"nextPageToken": "x"}'))
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", url.partition("/storage")[0])

    with pytest.raises(InputError, match=r"^gs://data/\*: .* 3 pages.*raise max_listed_objects"):
        resolve_remote(parse_source("gs://data/*"), timeout_seconds=60, max_listed_objects=3000)


@pytest.mark.parametrize("content", [b"{}", b"[", b'{"generation": 1}', b"[" * 100_000])
def test_a_broken_description_of_an_object_is_told_as_such(server, monkeypatch, content):
    """In one line, with what was expected."""
    url = server.serve("/storage/v1/b/data/o/x", Answer(content))
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", url.partition("/storage")[0])

    with pytest.raises(
        InputError, match=r"^gs://data/x: the server's answer: .*(generation|JSON|n)"
    ):
        open_remote(parse_source("gs://data/x"), timeout_seconds=60)
