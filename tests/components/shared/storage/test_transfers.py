"""Files in buckets: whole, checked, and in spite of a network and a store that fail."""

import random

import pytest

from components.shared.errors import InputError, UnreachableError
from components.shared.storage.transfers import Bucket, open_bucket
from tests.components.faulty_proxy import Fault

MB = 1 << 20
# Above eight MB S3's library works in parts; Google's in one resumable upload.
CONTENT = random.Random(1).randbytes(9 * MB)


@pytest.fixture(params=["gs", "s3", "minio"])
def address(request, stores) -> str:
    return f"{request.param}://data/run"


@pytest.fixture
def bucket(address) -> Bucket:
    return open_bucket(address, timeout_seconds=60)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    return path


def test_many_files_go_and_come(bucket, tmp_path):
    """Under their names, in folders too."""
    names = ["a/shard-0", "a/shard-1", "shard-2", "dataset.json"]
    files = {name: tmp_path / f"from-{n}" for n, name in enumerate(names)}
    for name, path in files.items():
        path.write_text(name, encoding="utf-8")

    bucket.upload_all(files, last="dataset.json")
    bucket.download_all({name: tmp_path / "to" / name for name in bucket.names()})

    assert bucket.names() == sorted(names)
    assert {name: (tmp_path / "to" / name).read_text("utf-8") for name in names} == {
        name: name for name in names
    }


def test_the_last_file_comes_after_the_others(bucket, stores, tmp_path):
    """While one of them can't be sent it does not appear."""
    for name in ("shard-0", "dataset.json"):
        (tmp_path / name).write_text(name, encoding="utf-8")
    method = "POST" if bucket._address.startswith("gs") else "PUT"
    stores.coming.append(Fault(method, status=403, times=100))

    with pytest.raises(InputError, match="403|Forbidden"):
        bucket.upload_all(
            {name: tmp_path / name for name in ("shard-0", "dataset.json")}, last="dataset.json"
        )

    stores.coming.clear()
    assert bucket.names() == []


def test_what_is_there_already_is_not_sent_again(bucket, stores, file, tmp_path):
    """Nor fetched again: a second run after one that was cut off does the rest only."""
    bucket.upload(file, "shard-0")
    bucket.download("shard-0", tmp_path / "copy")
    stores.requests.clear()

    bucket.upload(file, "shard-0")
    bucket.download("shard-0", tmp_path / "copy")

    assert {method for method, _, _ in stores.requests} <= {"GET", "HEAD"}
    assert not any("alt=media" in path for _, path, _ in stores.requests)
    assert (tmp_path / "copy").read_bytes() == CONTENT


def test_another_content_under_the_name_replaces_it(bucket, file, tmp_path):
    """Here and there."""
    bucket.upload(file, "shard-0")
    bucket.download("shard-0", tmp_path / "copy")
    file.write_bytes(b"new")

    bucket.upload(file, "shard-0")
    bucket.download("shard-0", tmp_path / "copy")

    assert (tmp_path / "copy").read_bytes() == b"new"


def test_a_store_that_is_busy_is_asked_again(bucket, stores, file, tmp_path):
    """503 for each kind of request."""
    for method in ("GET", "HEAD", "PUT", "POST"):
        stores.coming.append(Fault(method, status=503))

    bucket.upload(file, "shard-0")
    stores.coming.append(Fault("GET", "shard", status=503))
    bucket.download("shard-0", tmp_path / "copy")

    assert (tmp_path / "copy").read_bytes() == CONTENT


def test_a_download_that_breaks_resumes_where_it_broke(bucket, stores, file, tmp_path):
    """The rest is asked for as a range."""
    bucket.upload(file, "shard-0")
    is_google = bucket._address.startswith("gs")
    stores.coming.append(Fault("GET", "alt=media" if is_google else "shard", cut_after=MB // 2))
    stores.requests.clear()

    bucket.download("shard-0", tmp_path / "copy")

    ranges = [asked for _, path, asked in stores.requests if asked]
    assert (tmp_path / "copy").read_bytes() == CONTENT
    # S3's library asks in parts of 8 MB, of which the broken one is asked for again.
    assert ranges == [f"bytes={MB // 2}-"] if is_google else len(ranges) == 3


def test_a_store_that_falls_silent_is_asked_again(address, bucket, stores, file, tmp_path):
    """After the time-out, here a second."""
    bucket.upload(file, "shard-0")
    is_google = bucket._address.startswith("gs")
    stores.coming.append(Fault("GET", "alt=media" if is_google else "shard", seconds=3))
    bucket = open_bucket(address, timeout_seconds=1)

    bucket.download("shard-0", tmp_path / "copy")

    assert (tmp_path / "copy").read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("scheme", "method", "status", "body"),
    [
        ("gs", "GET", 401, b'{"error": {"message": "Invalid Credentials"}}'),
        ("s3", "HEAD", 403, b""),
        (
            "s3",
            "GET",
            400,
            b"<Error><Code>ExpiredToken</Code><Message>The token has expired.</Message></Error>",
        ),
    ],
)
def test_credentials_that_have_expired_are_told(stores, tmp_path, scheme, method, status, body):
    """Once, with what to do, and without an empty file."""
    stores.coming.append(Fault(method, status=status, body=body, times=100))
    bucket = open_bucket(f"{scheme}://data/run", timeout_seconds=60)

    with pytest.raises(InputError, match=f"{scheme}://data/run.*renew the credentials") as error:
        bucket.names() if body and scheme == "s3" else bucket.download("x", tmp_path / "copy")

    assert not isinstance(error.value, UnreachableError)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("status", [503, 0])
def test_a_store_that_fails_is_told_from_one_that_refuses(stores, status, monkeypatch):
    """With an error of its server, or without an answer: the same may succeed later."""
    stores.coming.append(Fault("GET", status=503, times=100))
    if not status:
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")

    with pytest.raises(UnreachableError, match=r"s3://data/run.*check the bucket's name"):
        open_bucket("s3://data/run", timeout_seconds=1).names()


def test_bytes_that_were_altered_in_the_store_are_rejected(bucket, stores, file, tmp_path):
    """Their SHA-256 was noted when they were sent; the copy that was here stays."""
    bucket.upload(file, "shard-0")
    (tmp_path / "copy").write_bytes(b"mine")
    noted = bucket._find("shard-0")
    file.write_bytes(CONTENT[:-1] + bytes([CONTENT[-1] ^ 1]))
    bucket._store.put(file, "run/shard-0", sha256=noted.sha256, advance=lambda _: None)

    with pytest.raises(InputError, match=r"shard-0: (its SHA-256|.*[Cc]hecksum|.*mismatch)"):
        bucket.download("shard-0", tmp_path / "copy")

    assert (tmp_path / "copy").read_bytes() == b"mine"


def test_a_name_that_is_not_there_is_told(bucket, tmp_path):
    """With the whole address."""
    with pytest.raises(InputError, match="://data/run/none: no such object"):
        bucket.download("none", tmp_path / "copy")


def test_a_password_in_an_address_is_rejected_and_not_shown():
    """No store takes one there; what a library says of such a bucket would show it."""
    with pytest.raises(InputError, match=r"s3://\*\*\*@data/run: .* in the environment") as error:
        open_bucket("s3://me:secret@data/run")

    assert "secret" not in str(error.value)
