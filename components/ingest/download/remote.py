"""Where an address leads: an HTTP session and the URL to ask for."""

import functools
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import quote

import google.auth
import google.auth.exceptions
import google.auth.transport.requests
import requests
from botocore.exceptions import BotoCoreError

from components.ingest.config import ServerConfig
from components.ingest.download.bucket_listing import (
    decode_checksum,
    find_prefix,
    limit_pages,
    list_s3,
    match_names,
    open_s3,
    split_address,
)
from components.ingest.download.small_files import read_small_file
from components.ingest.download.sources import Source, name_matches
from components.shared.errors import InputError
from components.shared.files.documents import decode_json

Shape = TypeVar("Shape")

_HTTP_ERRORS = 400
_GS_HOST = "https://storage.googleapis.com"
_GS_SCOPE = "https://www.googleapis.com/auth/devstorage.read_only"
# Google's clients read it too: the address of a storage server that needs no credentials.
_GS_EMULATOR_VARIABLE = "STORAGE_EMULATOR_HOST"


@dataclass(frozen=True)
class _Object:
    """An object, as Google's server describes it."""

    generation: str
    md5Hash: str = ""
    crc32c: str = ""


@dataclass(frozen=True)
class _Item:
    name: str


@dataclass(frozen=True)
class _Page:
    """A page of a bucket's listing."""

    items: tuple[_Item, ...] = ()
    nextPageToken: str = ""


@dataclass(frozen=True)
class Remote:
    """A file on a server."""

    session: requests.Session
    url: str
    label: str
    identity: str
    """What notes call it: a signed URL is another each time, and secret."""
    is_fixed: bool
    """Whether the identity is that of one version of the file, which never changes."""
    algorithm_to_digest: Mapping[str, str] = field(default_factory=dict)
    """The checksums by which the store knows it."""


def open_remote(source: Source, *, timeout_seconds: float) -> Remote:
    """Find the URL of a source, and the session that may read it.

    Raises:
        InputError: if an object in a bucket isn't there or can't be read.
        requests.RequestException: if the server can't be reached.
    """
    if source.location.startswith("s3://"):
        try:
            url, identity, digests = open_s3(source, timeout_seconds=timeout_seconds)
        except BotoCoreError as error:
            raise requests.ConnectionError(error) from error
        return Remote(requests.Session(), url, source.label, identity, True, digests)
    if source.location.startswith("gs://"):
        # The object's generation in the URL: a download that goes on later gets the same bytes.
        session, bucket_url = _open_gs(source)
        url = f"{bucket_url}/o/{quote(split_address(source)[1], safe='')}"
        known = _read_gs(session, url, {}, source, timeout_seconds, _Object)
        url = f"{url}?alt=media&generation={known.generation}"
        # An object that was put together from others has no MD5.
        kept = {"md5": known.md5Hash, "crc32c": known.crc32c}
        digests = {name: decode_checksum(text) for name, text in kept.items() if text}
        return Remote(session, url, source.label, url, True, digests)
    # Notes lie in a folder of the whole address: they need not tell its secrets.
    return Remote(requests.Session(), source.location, source.label, source.label, is_fixed=False)


def resolve_remote(
    source: Source,
    *,
    timeout_seconds: float,
    max_listed_objects: int = ServerConfig.max_listed_objects,
) -> list[Source]:
    """The objects that a pattern matches, in the order of their names.

    Raises:
        InputError: if there is none, or the bucket can't be listed.
    """
    if not source.is_bucket_pattern:
        return [source]
    bucket = split_address(source)[0]
    lister = list_s3 if source.location.startswith("s3://") else _list_gs
    try:
        listed = lister(source, timeout_seconds=timeout_seconds, max_objects=max_listed_objects)
        names = match_names(source, listed)
    except (BotoCoreError, requests.RequestException) as error:
        raise InputError(
            f"{source.label}: the store can't be reached ({error}); check the network and the "
            "endpoint, and run again"
        ) from None
    if not names:
        raise InputError(f"{source.label}: no object matches this pattern")
    scheme = source.location.partition("://")[0]
    return name_matches(source, [f"{scheme}://{bucket}/{quote(name)}" for name in names])


def _open_gs(source: Source) -> tuple[requests.Session, str]:
    host = os.environ.get(_GS_EMULATOR_VARIABLE, _GS_HOST).rstrip("/")
    return _gs_session(host), f"{host}/storage/v1/b/{split_address(source)[0]}"


def _list_gs(source: Source, *, timeout_seconds: float, max_objects: int) -> Iterator[str]:
    for page in limit_pages(_list_gs_pages(source, timeout_seconds), source, max_objects):
        yield from (item.name for item in page.items)


def _list_gs_pages(source: Source, timeout_seconds: float) -> Iterator["_Page"]:
    session, bucket_url = _open_gs(source)
    wanted = {"prefix": find_prefix(source)}
    while True:
        page = _read_gs(session, f"{bucket_url}/o", wanted, source, timeout_seconds, _Page)
        yield page
        if not page.nextPageToken:
            return
        wanted["pageToken"] = page.nextPageToken


def refusal(label: str, status: int) -> InputError:
    """The error for an answer that asking again won't change."""
    remedies = {
        401: "it needs credentials",
        403: "it may not be read without (other) credentials",
        404: "no such file on the server; open the folder's address in a browser and take a "
        "name from there (Wikimedia keeps its last few dumps only)",
        410: "it is gone from the server; choose a newer one",
    }
    remedy = remedies.get(status, "check the address")
    if label.startswith("gs://") and status in {401, 403}:
        remedy += ": run as an account with the role Storage Object Viewer on the bucket"
    return InputError(f"{label}: the server answers {status}: {remedy}")


@functools.cache  # away from Google's machines, the search for credentials takes seconds
def _gs_session(host: str) -> requests.Session:
    if host != _GS_HOST:
        return requests.Session()
    try:
        credentials, _ = google.auth.default(scopes=[_GS_SCOPE])
    except google.auth.exceptions.DefaultCredentialsError:
        return requests.Session()  # enough for a public bucket
    return google.auth.transport.requests.AuthorizedSession(credentials)


def _read_gs(
    session: requests.Session,
    url: str,
    wanted: Mapping[str, str],
    source: Source,
    timeout_seconds: float,
    shape: type[Shape],
) -> Shape:
    try:
        answer = read_small_file(
            session, url, label=source.label, timeout_seconds=timeout_seconds, params=wanted
        )
    except google.auth.exceptions.TransportError as error:  # while a token was asked for
        raise requests.ConnectionError(error) from error
    except google.auth.exceptions.GoogleAuthError as error:
        raise InputError(
            f"{source.label}: Google refuses the credentials at hand ({error}); renew them, "
            "with `gcloud auth application-default login` on a machine of your own"
        ) from None
    if answer.status in {401, 403, 404, 410}:
        raise refusal(source.label, answer.status)
    if answer.status >= _HTTP_ERRORS:
        raise requests.HTTPError(f"the server answers {answer.status}")
    return decode_json(answer.content, shape, source=f"{source.label}: the server's answer")
