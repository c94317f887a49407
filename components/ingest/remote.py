"""Where an address leads: an HTTP session and the URL to ask for."""

import functools
import os
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import google.auth
import google.auth.exceptions
import google.auth.transport.requests
import requests

from components.ingest.sources import Source
from components.shared.errors import InputError

_GS_HOST = "https://storage.googleapis.com"
_GS_SCOPE = "https://www.googleapis.com/auth/devstorage.read_only"
# Google's clients read it too: the address of a storage server that needs no credentials.
_GS_EMULATOR_VARIABLE = "STORAGE_EMULATOR_HOST"


@dataclass(frozen=True)
class Remote:
    """A file on a server."""

    session: requests.Session
    url: str
    label: str
    is_fixed: bool
    """Whether the URL names one version of the file, which never changes."""


def open_remote(source: Source, *, timeout_seconds: float) -> Remote:
    """Find the URL of a source, and the session that may read it.

    Raises:
        InputError: if an object in a bucket isn't there or can't be read.
        requests.RequestException: if the server can't be reached.
    """
    if not source.location.startswith("gs://"):
        return Remote(requests.Session(), source.location, source.label, is_fixed=False)
    # The object's generation in the URL: a download that goes on later gets the same bytes.
    parts = urlsplit(source.location)
    host = os.environ.get(_GS_EMULATOR_VARIABLE, _GS_HOST).rstrip("/")
    session = _gs_session(host)
    name = quote(unquote(parts.path.lstrip("/")), safe="")
    url = f"{host}/storage/v1/b/{parts.netloc}/o/{name}"
    generation = _read_object(session, url, source, timeout_seconds)["generation"]
    return Remote(session, f"{url}?alt=media&generation={generation}", source.label, is_fixed=True)


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


def _read_object(
    session: requests.Session, url: str, source: Source, timeout_seconds: float
) -> dict[str, Any]:
    try:
        response = session.get(url, timeout=timeout_seconds)
    except google.auth.exceptions.TransportError as error:  # while a token was asked for
        raise requests.ConnectionError(error) from error
    except google.auth.exceptions.GoogleAuthError as error:
        raise InputError(
            f"{source.label}: Google refuses the credentials at hand ({error}); renew them, "
            "with `gcloud auth application-default login` on a machine of your own"
        ) from None
    if response.status_code in {401, 403, 404, 410}:
        raise refusal(source.label, response.status_code)
    response.raise_for_status()
    return response.json()
