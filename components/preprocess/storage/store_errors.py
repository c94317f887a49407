"""What goes wrong with object stores, in words for the person who named them."""

from collections.abc import Iterator
from contextlib import contextmanager

import google.auth
from apache_beam.io.aws.clients.s3.messages import S3ClientError
from apache_beam.io.filesystem import BeamIOError
from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError
from google.api_core.exceptions import GoogleAPIError
from google.auth.exceptions import GoogleAuthError
from google.cloud.storage.exceptions import InvalidResponse

from components.shared.errors import InputError

_FAULTS = (
    BeamIOError,
    Boto3Error,
    BotoCoreError,
    ClientError,
    GoogleAPIError,
    GoogleAuthError,
    InvalidResponse,
    OSError,
    S3ClientError,
)
_TO_SIGN_IN = {
    "gs": "run `gcloud auth application-default login`, set GOOGLE_APPLICATION_CREDENTIALS, or "
    "give the pod a service account",
    "s3": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the pod a role",
}


@contextmanager
def explained(address: str) -> Iterator[None]:
    """Raise what a store answers as an error of the user's.

    Raises:
        InputError: that tells the address, what is wrong, and the remedy.
    """
    try:
        yield
    except _FAULTS as error:
        raise InputError(f"{address}: {_explain(address, error)}") from None


def require_credentials(address: str) -> None:
    """Refuse to write where nobody has signed in; Beam would try for a while, then go on.

    Raises:
        InputError: if Google's libraries find no credentials.
    """
    if address.startswith("gs://"):
        with explained(address):
            google.auth.default()


def _explain(address: str, error: BaseException) -> str:
    sign_in = _TO_SIGN_IN[address[:2]]
    causes = list(_find_causes(error))
    text = next((str(one) for one in causes if not isinstance(one, BeamIOError)), str(error))
    statuses = {_find_status(one) for one in causes}
    if isinstance(error, GoogleAuthError) or "Unable to locate credentials" in text:
        return f"no credentials for this store; {sign_in}"
    if statuses & {401, 403}:
        return f"the store refuses access ({text}); {sign_in}, with the right to read and write"
    if 404 in statuses or any(isinstance(one, FileNotFoundError) for one in causes):
        return "no such bucket or file in the store; check the address, or make the bucket first"
    return (
        f"the store can't be used ({text}); check the network and, for a store of your own, "
        "its address (--s3_endpoint_url in beam_options, or AWS_ENDPOINT_URL)"
    )


def _find_causes(error: BaseException) -> Iterator[BaseException]:
    yield error
    if isinstance(error, BeamIOError):
        for one in (error.exception_details or {}).values():
            if isinstance(one, BaseException):
                yield from _find_causes(one)
    elif isinstance(error.__context__, _FAULTS):
        yield from _find_causes(error.__context__)


def _find_status(error: BaseException) -> int | None:
    """The HTTP status that a store answered with, where there is one."""
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        response = response.get("ResponseMetadata", {})
        return response.get("HTTPStatusCode")
    status = getattr(response, "status_code", None) or getattr(error, "code", None)
    return int(status) if isinstance(status, int) else None
