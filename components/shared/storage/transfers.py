"""Files in buckets, under gs://, s3:// and minio:// addresses: whole, checked, several at once."""

import re
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from components.shared.errors import DamagedError, InputError, UnreachableError
from components.shared.files.atomic import sha256, whole_file
from components.shared.parallel import run_in_threads
from components.shared.stage.progress import progress_in_bytes
from components.shared.storage.clients import (
    CONFLICTS,
    Advance,
    GcsStore,
    Listed,
    S3Store,
    Store,
    Stored,
    Tagged,
)
from components.shared.storage.locations import split_bucket

_READ_SECONDS = 60.0
_NUM_FILES_AT_ONCE = 4
_NOT_FOUND, _TOO_MANY_REQUESTS, _SERVER_ERRORS = 404, 429, 500


class Bucket:
    """The objects of a bucket whose names begin with a prefix, under the rest of their names.

    Each method raises InputError where the store refuses or can't be reached, after retries.
    """

    def __init__(self, address: str, store: Store, prefix: str) -> None:
        self._address, self._store, self._prefix = address, store, prefix

    def names(self) -> list[str]:
        """Return the names of all objects, sorted."""
        return [one.name for one in self.list_objects()]

    def list_objects(self) -> Sequence[Listed]:
        """Return all objects, by name."""
        with self._explained():
            found = self._store.list_objects(self._prefix)
        objects = (replace(one, name=one.name.removeprefix(self._prefix)) for one in found)
        return sorted(objects, key=lambda one: one.name)

    def upload(self, file: Path, name: str) -> None:
        """Keep a file; there whole or not at all, and not sent again if it is there."""
        self.upload_all({name: file})

    def upload_all(self, name_to_file: Mapping[str, Path], *, last: str = "") -> None:
        """Keep several files, some at once.

        Args:
            name_to_file: what to keep under which name.
            last: the name that is sent when all others are there: who finds it finds all.
        """
        total = sum(file.stat().st_size for file in name_to_file.values())
        with progress_in_bytes(f"Upload to {self._address}", total) as advance:
            many = {name: file for name, file in name_to_file.items() if name != last}
            self._at_once([partial(self._upload, many[name], name, advance) for name in many])
            if last:
                self._upload(name_to_file[last], last, advance)

    def download(self, name: str, file: Path) -> None:
        """Fetch an object into a file; there whole or not at all, and kept if it is the same."""
        self.download_all({name: file})

    def download_all(self, name_to_file: Mapping[str, Path]) -> None:
        """Fetch several objects, some at once.

        Raises:
            InputError: if one is not there.
            DamagedError: if what comes has another checksum than was noted when it was uploaded.
        """
        stored = dict(
            zip(
                name_to_file,
                self._at_once([partial(self._find, name) for name in name_to_file]),
                strict=True,
            )
        )
        total = sum(one.num_bytes for one in stored.values())
        with progress_in_bytes(f"Download from {self._address}", total) as advance:
            self._at_once(
                [
                    partial(self._download, name, file, stored[name], advance)
                    for name, file in name_to_file.items()
                ]
            )

    def read_text(self, name: str) -> str | None:
        """Return a small object's text, or None if it does not exist."""
        with tempfile.TemporaryDirectory(prefix="object-") as scratch, self._explained(name):
            file = Path(scratch, "text")
            try:
                self._store.get(self._prefix + name, file, advance=lambda _: None)
            except self._store.errors as error:
                if _find_status(error) == _NOT_FOUND:
                    return None
                raise
            return file.read_text("utf-8", errors="replace")

    def read(self, name: str) -> Tagged | None:
        """Return a small object with its tag, or None if it does not exist."""
        with self._explained(name):
            return self._store.read(self._prefix + name)

    def write_if(self, name: str, content: bytes, *, tag: str | None) -> bool:
        """Write a small object if it is as it was read; return whether it was.

        False may also follow a write of our own whose answer was lost: read it to find out.

        Args:
            name: the object's.
            content: its new content.
            tag: what `read` returned with the old one; None if it did not exist.
        """
        with self._explained(name):
            try:
                self._store.put_if(content, self._prefix + name, tag=tag)
            except self._store.errors as error:
                if _find_status(error) in CONFLICTS:
                    return False
                raise
            return True

    def delete(self, name: str) -> None:
        """Remove an object, if it still exists."""
        with self._explained(name):
            try:
                self._store.delete(self._prefix + name)
            except self._store.errors as error:
                if _find_status(error) != _NOT_FOUND:
                    raise

    def _find(self, name: str) -> Stored:
        with self._explained(name):
            stored = self._store.find(self._prefix + name)
        if stored is None:
            raise InputError(f"{self._join(name)}: no such object; compare the name with a listing")
        return stored

    def _upload(self, file: Path, name: str, advance: Advance) -> None:
        wanted = Stored(file.stat().st_size, sha256(file))
        with self._explained(name):
            if self._store.find(self._prefix + name) == wanted:
                advance(wanted.num_bytes)
                return
            self._store.put(file, self._prefix + name, sha256=wanted.sha256, advance=advance)

    def _download(self, name: str, file: Path, stored: Stored, advance: Advance) -> None:
        if stored.sha256 and file.is_file() and sha256(file) == stored.sha256:
            advance(stored.num_bytes)
            return
        with whole_file(file) as scratch:
            with self._explained(name):
                self._store.get(self._prefix + name, scratch, advance=advance)
            num_bytes = scratch.stat().st_size
            if num_bytes != stored.num_bytes:
                raise InputError(
                    f"{self._join(name)}: {num_bytes} of {stored.num_bytes} bytes came; "
                    "was it replaced meanwhile? Run again"
                )
            if stored.sha256 and sha256(scratch) != stored.sha256:
                raise DamagedError(
                    f"{self._join(name)}: its SHA-256 is not the one noted when it was "
                    "uploaded; it was damaged or replaced; upload it again"
                )

    @staticmethod
    def _at_once(tasks: Sequence) -> list:
        return run_in_threads(tasks, num_threads=_NUM_FILES_AT_ONCE, stop=threading.Event())

    def _join(self, name: str) -> str:
        return f"{self._address.rstrip('/')}/{name}"

    @contextmanager
    def _explained(self, name: str = "") -> Iterator[None]:
        try:
            yield
        except self._store.errors as error:
            address = self._join(name) if name else self._address
            kind = UnreachableError if _may_pass(error) else InputError
            raise kind(f"{address}: {error}; {_remedy(error)}") from error


def open_bucket(address: str, *, timeout_seconds: float = _READ_SECONDS) -> Bucket:
    """Open `gs://bucket/prefix`, `s3://bucket/prefix` or `minio://bucket/prefix`.

    Google's credentials are those of its libraries (Workload Identity, the node's service
    account, GOOGLE_APPLICATION_CREDENTIALS); S3's those of boto3 (a pod's role,
    AWS_ACCESS_KEY_ID; AWS_ENDPOINT_URL for another store).

    Args:
        address: of a bucket or a folder in it.
        timeout_seconds: how long the store may stay silent before a request is repeated.

    Raises:
        InputError: if the address names no bucket, or there are no credentials.
    """
    bucket, path = split_bucket(address)
    # KFP writes settings of a store as a query.
    prefix = re.split("[?#]", path, maxsplit=1)[0].strip("/")
    kind: type[GcsStore | S3Store] = GcsStore if address.startswith("gs://") else S3Store
    try:
        store = kind(bucket, timeout_seconds=timeout_seconds)
    except Exception as error:
        if type(error).__module__.startswith(("google.auth", "botocore")):
            raise InputError(f"{address}: {error}; {_remedy(error)}") from error
        raise
    return Bucket(address, store, f"{prefix}/" if prefix else "")


def _may_pass(error: Exception) -> bool:
    """Whether the network or the store's servers failed, rather than refused."""
    status = _find_status(error)
    if status is None:
        return not _is_of_credentials(error)
    return status == _TOO_MANY_REQUESTS or status >= _SERVER_ERRORS


def _is_of_credentials(error: Exception) -> bool:
    return "credential" in str(error).lower() or "google.auth" in type(error).__module__


def _remedy(error: Exception) -> str:
    status = _find_status(error)
    if status in {401, 403} or _is_of_credentials(error) or "ExpiredToken" in str(error):
        return "renew the credentials, or give their account the right to read and write here"
    return "check the bucket's name, the credentials and the network"


def _find_status(error: Exception) -> int | None:
    """The HTTP status that a store answered with, where there is one."""
    response = getattr(error, "response", None)
    if isinstance(response, dict):  # botocore
        response = response.get("ResponseMetadata", {})
        return response.get("HTTPStatusCode")
    return getattr(error, "code", None) or getattr(response, "status_code", None)
