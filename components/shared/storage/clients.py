"""Object stores by their vendors' own libraries: Google Cloud Storage, and S3 or what speaks it.

The libraries retry with back-off, go on within a file where a connection broke, and keep an
object invisible until all of it is there.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from components.shared.stage.progress import Counted

_CONNECT_SECONDS, _MAX_ATTEMPTS = 10, 8
_SHA256 = "sha256"  # the key of ours among an object's own metadata
Advance = Callable[[int], object]

CONFLICTS = frozenset({404, 409, 412})
"""HTTP statuses of a conditional write that came too late: the object is gone, is being written by
another, or is another already."""


@dataclass(frozen=True)
class Stored:
    """What a store says of an object."""

    num_bytes: int
    sha256: str
    """Empty where nobody noted it."""


@dataclass(frozen=True)
class Tagged:
    """An object's content, and what tells it from those it had before and will have."""

    content: bytes
    tag: str


@dataclass(frozen=True)
class Listed:
    """What a listing says of an object."""

    name: str
    num_bytes: int
    changed: datetime


class Store(Protocol):
    """The objects of one bucket, by their whole names."""

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """What its methods raise where the store refuses or can't be reached, after retries."""
        ...

    def list_objects(self, prefix: str) -> Sequence[Listed]:
        """The objects whose names begin so."""
        ...

    def find(self, name: str) -> Stored | None:
        """Return what is known of an object; None if it does not exist."""
        ...

    def put(self, file: Path, name: str, *, sha256: str, advance: Advance) -> None:
        """Keep a file's bytes, with their checksum; `advance` is told of bytes sent."""
        ...

    def get(self, name: str, file: Path, *, advance: Advance) -> None:
        """Write an object's bytes to a file."""
        ...

    def delete(self, name: str) -> None:
        """Remove an object."""
        ...

    def read(self, name: str) -> Tagged | None:
        """Return a small object; None if it does not exist."""
        ...

    def put_if(self, content: bytes, name: str, *, tag: str | None) -> None:
        """Write a small object if it still has the tag, or, for None, does not exist.

        Otherwise one of `errors` is raised, with a status of CONFLICTS.
        """
        ...


class S3Store:
    """boto3, with its usual credentials and, for a store of one's own, AWS_ENDPOINT_URL."""

    def __init__(self, bucket: str, *, timeout_seconds: float) -> None:
        import boto3  # here, as google.cloud below: a folder needs neither
        from boto3.exceptions import Boto3Error
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError

        self.errors = (Boto3Error, BotoCoreError, ClientError)
        config = Config(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=timeout_seconds,
            retries={"mode": "standard", "total_max_attempts": _MAX_ATTEMPTS},
        )
        session = boto3.Session()
        # The default region names no place: a store of one's own knows none.
        region = session.region_name or "us-east-1"
        self._client = session.client("s3", config=config, region_name=region)
        self._bucket = bucket

    def list_objects(self, prefix: str) -> Sequence[Listed]:
        """The objects whose names begin so."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=prefix
        )
        return [
            Listed(item["Key"], item["Size"], item["LastModified"])
            for page in pages
            for item in page.get("Contents", ())
        ]

    def find(self, name: str) -> Stored | None:
        """Return what HEAD tells."""
        from botocore.exceptions import ClientError

        try:
            head = self._client.head_object(Bucket=self._bucket, Key=name)
        except ClientError as error:
            if error.response["ResponseMetadata"].get("HTTPStatusCode") == 404:
                return None
            raise
        return Stored(head["ContentLength"], head["Metadata"].get(_SHA256, ""))

    def put(self, file: Path, name: str, *, sha256: str, advance: Advance) -> None:
        """Large files in parts, several at once."""
        self._client.upload_file(
            str(file),
            self._bucket,
            name,
            ExtraArgs={"Metadata": {_SHA256: sha256}},
            Callback=advance,
        )

    def get(self, name: str, file: Path, *, advance: Advance) -> None:
        """Large files in parts, several at once."""
        self._client.download_file(self._bucket, name, str(file), Callback=advance)

    def delete(self, name: str) -> None:
        """Remove an object."""
        self._client.delete_object(Bucket=self._bucket, Key=name)

    def read(self, name: str) -> Tagged | None:
        """Return an object with its ETag."""
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=name)
            return Tagged(answer["Body"].read(), answer["ETag"])
        except self._client.exceptions.NoSuchKey:
            return None

    def put_if(self, content: bytes, name: str, *, tag: str | None) -> None:
        """With the header that stores have known since 2024 (S3, MinIO, SeaweedFS)."""
        condition = {"IfNoneMatch": "*"} if tag is None else {"IfMatch": tag}
        self._client.put_object(Bucket=self._bucket, Key=name, Body=content, **condition)


class GcsStore:
    """google-cloud-storage, with application default credentials (Workload Identity on GKE)."""

    def __init__(self, bucket: str, *, timeout_seconds: float) -> None:
        from google.api_core.exceptions import GoogleAPIError
        from google.auth.exceptions import GoogleAuthError
        from google.cloud import storage
        from google.cloud.storage.exceptions import DataCorruption, InvalidResponse
        from google.cloud.storage.retry import DEFAULT_RETRY
        from requests.exceptions import RequestException

        self.errors = (
            GoogleAPIError, GoogleAuthError, RequestException, InvalidResponse, DataCorruption,
            OSError,  # without credentials, and where the connection is refused
        )  # fmt: skip
        # Not the default for uploads, which may be repeated here: nobody else writes.
        self._patience = {"timeout": (_CONNECT_SECONDS, timeout_seconds), "retry": DEFAULT_RETRY}
        self._bucket = storage.Client().bucket(bucket)

    def list_objects(self, prefix: str) -> Sequence[Listed]:
        """The objects whose names begin so."""
        blobs = self._bucket.list_blobs(prefix=prefix, **self._patience)
        return [Listed(blob.name, blob.size, blob.updated) for blob in blobs]

    def find(self, name: str) -> Stored | None:
        """Return what the object's resource tells."""
        blob = self._bucket.get_blob(name, **self._patience)
        if blob is None:
            return None
        return Stored(blob.size, (blob.metadata or {}).get(_SHA256, ""))

    def put(self, file: Path, name: str, *, sha256: str, advance: Advance) -> None:
        """Compared with its CRC32C by the store."""
        blob: Any = self._bucket.blob(name)
        blob.metadata = {_SHA256: sha256}
        with file.open("rb") as content:
            blob.upload_from_file(
                Counted(content, advance),
                size=file.stat().st_size,
                checksum="crc32c",
                **self._patience,
            )

    def get(self, name: str, file: Path, *, advance: Advance) -> None:
        """Compared with its checksum in the store."""
        with file.open("wb") as content:
            self._bucket.blob(name).download_to_file(Counted(content, advance), **self._patience)

    def delete(self, name: str) -> None:
        """Remove an object."""
        self._bucket.blob(name).delete(**self._patience)

    def read(self, name: str) -> Tagged | None:
        """Return an object with its generation."""
        from google.api_core.exceptions import NotFound

        blob = self._bucket.get_blob(name, **self._patience)
        if blob is None:
            return None
        generation = blob.generation  # which the download may set anew
        try:
            return Tagged(blob.download_as_bytes(**self._patience), str(generation))
        except NotFound:  # this generation of it was replaced after it was found
            return self.read(name)

    def put_if(self, content: bytes, name: str, *, tag: str | None) -> None:
        """Write it if its generation is the tag; generation 0 means that there is none."""
        self._bucket.blob(name).upload_from_string(
            content, if_generation_match=int(tag or 0), checksum="crc32c", **self._patience
        )
