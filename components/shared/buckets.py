"""Objects in buckets, under gs:// and s3:// addresses."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from components.shared.errors import InputError

SCHEMES = ("gs://", "s3://")
_CONNECT_SECONDS, _READ_SECONDS, _MAX_ATTEMPTS = 10, 60, 8


class Bucket(Protocol):
    """The objects of a bucket whose names begin with a prefix, under the rest of their names.

    Each raises InputError where the store refuses or can't be reached, after retries.
    """

    def names(self) -> list[str]:
        """All of them, sorted."""
        ...

    def upload(self, file: Path, name: str) -> None:
        """Keep a file; there whole or not at all."""
        ...

    def download(self, name: str, file: Path) -> None:
        """Fetch an object into a file."""
        ...

    def delete(self, name: str) -> None:
        """Remove an object."""
        ...


def open_bucket(address: str) -> Bucket:
    """Open `gs://bucket/prefix` or `s3://bucket/prefix` with the usual credentials.

    Google's are those of its libraries (GOOGLE_APPLICATION_CREDENTIALS, the node's service
    account); S3's those of boto3 (AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL for another store).
    """
    parts = urlsplit(address)
    if not parts.netloc:
        raise InputError(f"{address}: no bucket's name in it; write {parts.scheme}://bucket/folder")
    prefix = parts.path.strip("/")
    prefix = f"{prefix}/" if prefix else ""
    kind = _GcsBucket if parts.scheme == "gs" else _S3Bucket
    return kind(address, parts.netloc, prefix)


class _S3Bucket:
    def __init__(self, address: str, bucket: str, prefix: str) -> None:
        import boto3  # here, as google.cloud below: a folder needs neither
        from botocore.config import Config

        config = Config(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": _MAX_ATTEMPTS},
        )
        session = boto3.Session()
        # The default region names no place: a store of one's own knows none.
        region = session.region_name or "us-east-1"
        self._client = session.client("s3", config=config, region_name=region)
        self._address, self._bucket, self._prefix = address, bucket, prefix

    def names(self) -> list[str]:
        with self._explained():
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._prefix
            )
            keys = [item["Key"] for page in pages for item in page.get("Contents", ())]
        return sorted(key.removeprefix(self._prefix) for key in keys)

    def upload(self, file: Path, name: str) -> None:
        with self._explained():
            self._client.upload_file(str(file), self._bucket, self._prefix + name)

    def download(self, name: str, file: Path) -> None:
        with self._explained():
            self._client.download_file(self._bucket, self._prefix + name, str(file))

    def delete(self, name: str) -> None:
        with self._explained():
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + name)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        from boto3.exceptions import Boto3Error
        from botocore.exceptions import BotoCoreError, ClientError

        with _explained(self._address, (Boto3Error, BotoCoreError, ClientError)):
            yield


class _GcsBucket:
    def __init__(self, address: str, bucket: str, prefix: str) -> None:
        from google.cloud import storage

        self._address, self._prefix = address, prefix
        with self._explained():
            self._bucket = storage.Client().bucket(bucket)

    def names(self) -> list[str]:
        with self._explained():
            blobs = list(self._bucket.list_blobs(prefix=self._prefix))
        return sorted(blob.name.removeprefix(self._prefix) for blob in blobs)

    def upload(self, file: Path, name: str) -> None:
        with self._explained():
            self._blob(name).upload_from_filename(str(file), **self._patience())

    def download(self, name: str, file: Path) -> None:
        with self._explained():
            self._blob(name).download_to_filename(str(file), **self._patience())

    def delete(self, name: str) -> None:
        with self._explained():
            self._blob(name).delete(**self._patience())

    def _blob(self, name: str) -> Any:
        return self._bucket.blob(self._prefix + name)

    @staticmethod
    def _patience() -> dict[str, Any]:
        from google.cloud.storage.retry import DEFAULT_RETRY

        # Not the default for uploads, which may be repeated here: nobody else writes.
        return {"timeout": (_CONNECT_SECONDS, _READ_SECONDS), "retry": DEFAULT_RETRY}

    @contextmanager
    def _explained(self) -> Iterator[None]:
        from google.api_core.exceptions import GoogleAPIError
        from google.auth.exceptions import GoogleAuthError
        from requests.exceptions import RequestException

        with _explained(self._address, (GoogleAPIError, GoogleAuthError, RequestException)):
            yield


@contextmanager
def _explained(address: str, errors: tuple[type[Exception], ...]) -> Iterator[None]:
    try:
        yield
    except errors as error:
        raise InputError(
            f"{address}: {error}; check the bucket's name, the credentials and the network"
        ) from error
