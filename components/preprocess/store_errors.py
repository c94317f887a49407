"""What goes wrong with object stores as Beam reaches them."""

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
from components.shared.store_errors import explain

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


@contextmanager
def explained(address: str) -> Iterator[None]:
    """Raise what a store answers as an error of the user's.

    Raises:
        InputError: that tells the address, what is wrong, and the remedy.
    """
    try:
        yield
    except _FAULTS as error:
        causes = list(_find_causes(error))
        # What the store said, rather than that Beam failed.
        causes.sort(key=lambda cause: isinstance(cause, BeamIOError))
        raise InputError(f"{address}: {explain(address, causes)}") from None


def require_credentials(address: str) -> None:
    """Refuse to write where nobody has signed in; Beam would try for a while, then go on.

    Raises:
        InputError: if Google's libraries find no credentials.
    """
    if address.startswith("gs://"):
        with explained(address):
            google.auth.default()


def _find_causes(error: BaseException) -> Iterator[BaseException]:
    yield error
    if isinstance(error, BeamIOError):
        for one in (error.exception_details or {}).values():
            if isinstance(one, BaseException):
                yield from _find_causes(one)
    elif isinstance(error.__context__, _FAULTS):
        yield from _find_causes(error.__context__)
