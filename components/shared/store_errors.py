"""What goes wrong with object stores, in words for the person who named them."""

from collections.abc import Sequence

_SIGN_IN_GOOGLE = (
    "run `gcloud auth application-default login`, set GOOGLE_APPLICATION_CREDENTIALS, or "
    "give the pod a service account"
)
_SIGN_IN_S3 = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the pod a role"
_REFUSED = {401, 403}
# S3 says so with the status 400.
_OF_CREDENTIALS = ("ExpiredToken", "InvalidAccessKeyId", "InvalidToken")


def explain(address: str, errors: Sequence[BaseException]) -> str:
    """What a store answered, and what to do.

    Args:
        address: gs://, s3:// or minio:// and what follows.
        errors: of the store's library, the one to quote first, then those that led to it.
    """
    sign_in = _SIGN_IN_GOOGLE if address.startswith("gs://") else _SIGN_IN_S3
    text = str(errors[0])
    statuses = {_find_status(error) for error in errors}
    if _has_none(errors[0]):
        return f"no credentials for this store; {sign_in}"
    is_refused = statuses & _REFUSED or _is_of_google_auth(errors[0])
    if is_refused or any(word in text for word in _OF_CREDENTIALS):
        return (
            f"the store refuses access ({text}); have the credentials expired? Renew them: "
            f"{sign_in}, with the right to read and write"
        )
    if 404 in statuses or any(isinstance(error, FileNotFoundError) for error in errors):
        return "no such bucket or file in the store; check the address, or make the bucket first"
    return (
        f"the store can't be used ({text}); check the network and, for a store of your own, "
        "its address (AWS_ENDPOINT_URL; --s3_endpoint_url in beam_options)"
    )


def _is_of_google_auth(error: BaseException) -> bool:
    return type(error).__module__.startswith("google.auth")


def _has_none(error: BaseException) -> bool:
    """Whether no credentials were found at all."""
    if _is_of_google_auth(error):
        return type(error).__name__ == "DefaultCredentialsError"
    return "Unable to locate credentials" in str(error)


def _find_status(error: BaseException) -> int | None:
    """The HTTP status that a store answered with, where there is one."""
    response = getattr(error, "response", None)
    if isinstance(response, dict):  # botocore's
        response = response.get("ResponseMetadata", {})
        return response.get("HTTPStatusCode")
    status = getattr(response, "status_code", None) or getattr(error, "code", None)
    return int(status) if isinstance(status, int) else None
