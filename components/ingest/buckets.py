"""Objects in buckets: what matches a pattern, and where S3 lets one be read."""

import functools
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import boto3
import botocore
import botocore.config
import botocore.exceptions

from components.ingest.sources import Source
from components.shared.errors import InputError

_SIGNED_SECONDS = 12 * 3600
_REMEDIES = {
    "404": "no such object or bucket; compare the name with what `aws s3 ls` lists",
    "403": "the credentials at hand may not read it; they need s3:GetObject (and s3:ListBucket "
    "for a pattern), and must not have expired",
}
_CODE_TO_STATUS = {"NoSuchKey": "404", "NoSuchBucket": "404", "AccessDenied": "403"}


def split_address(source: Source) -> tuple[str, str]:
    """Bucket and object name of a gs:// or s3:// address."""
    parts = urlsplit(source.location)
    return parts.netloc, unquote(parts.path.lstrip("/"))


def match_names(pattern: str, names: Iterator[str]) -> list[str]:
    """The names that a pattern matches, sorted: `*` stays in a folder, `**` does not."""
    pieces = re.split(r"(\*\*/|\*\*|\*)", pattern)
    to_regex = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*"}
    regex = re.compile("".join(to_regex.get(piece, re.escape(piece)) for piece in pieces))
    return sorted(name for name in names if regex.fullmatch(name))


def list_s3(source: Source, *, timeout_seconds: float) -> Iterator[str]:
    """Names of the objects that begin as a pattern does.

    Raises:
        InputError: if the bucket isn't there or may not be listed.
        botocore.exceptions.BotoCoreError: if the server can't be reached.
    """
    bucket, pattern = split_address(source)
    pages = _client(timeout_seconds).get_paginator("list_objects_v2")
    try:
        for page in pages.paginate(Bucket=bucket, Prefix=pattern.partition("*")[0]):
            yield from (item["Key"] for item in page.get("Contents", ()))
    except botocore.exceptions.ClientError as error:
        raise _refusal(source, error) from None


def open_s3(source: Source, *, timeout_seconds: float) -> tuple[str, str]:
    """A signed URL of an object, and a name of its present version.

    Raises:
        InputError: if the object isn't there or can't be read.
        botocore.exceptions.BotoCoreError: if the server can't be reached.
    """
    bucket, key = split_address(source)
    client = _client(timeout_seconds)
    try:
        head = client.head_object(Bucket=bucket, Key=key)
    except botocore.exceptions.ClientError as error:
        raise _refusal(source, error) from None
    wanted = {"Bucket": bucket, "Key": key}
    url = client.generate_presigned_url("get_object", Params=wanted, ExpiresIn=_SIGNED_SECONDS)
    return url, f"s3://{bucket}/{quote(key)}?etag={head['ETag']}"


@functools.cache
def _client(timeout_seconds: float) -> Any:
    """boto3's, with its usual sources of credentials and endpoint (AWS_ENDPOINT_URL)."""
    session = boto3.Session()
    # Without credentials a public bucket can be read still.
    signature = None if session.get_credentials() else botocore.UNSIGNED
    config = botocore.config.Config(
        signature_version=signature,
        connect_timeout=timeout_seconds,
        read_timeout=timeout_seconds,
        retries={"total_max_attempts": 1},  # ours are counted and shown
    )
    # The default region names no place: a store of one's own knows none.
    return session.client("s3", config=config, region_name=session.region_name or "us-east-1")


def _refusal(source: Source, error: botocore.exceptions.ClientError) -> Exception:
    code = error.response["Error"]["Code"]
    status = _CODE_TO_STATUS.get(code, code)
    number = error.response["ResponseMetadata"].get("HTTPStatusCode", 0)
    if number >= 500 or number == 429 or code in {"SlowDown", "RequestTimeout"}:
        return botocore.exceptions.EndpointConnectionError(
            endpoint_url=source.label, error=f"the server answers {number} {code}"
        )
    message = error.response["Error"].get("Message", code)
    remedy = _REMEDIES.get(status) or _REMEDIES.get(str(number), "check address and credentials")
    return InputError(f"{source.label}: the store answers {code} ({message}): {remedy}")
