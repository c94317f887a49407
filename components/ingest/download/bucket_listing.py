"""Objects in buckets: what matches a pattern, and where S3 lets one be read."""

import base64
import fnmatch
import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import quote, unquote

import boto3
import botocore
import botocore.config
import botocore.exceptions

from components.ingest.download.sources import Source
from components.shared.errors import InputError

Page = TypeVar("Page")

# Of a listing; a store may give fewer.
_OBJECTS_PER_PAGE = 1000
_SIGNED_SECONDS = 12 * 3600
_REMEDIES = {
    "404": "no such object or bucket; compare the name with what `aws s3 ls` lists",
    "403": "the credentials at hand may not read it; they need s3:GetObject (and s3:ListBucket "
    "for a pattern), and must not have expired",
}
# A pattern's parts; within brackets a `!` first means all but these.
_WILDCARD = re.compile(r"(\*\*/|\*\*|\*|\?|\[!?[^\]/]+\])")
# What S3 may know of an object, where it has been told or has worked it out.
_CHECKSUMS = {
    "sha256": "ChecksumSHA256",
    "sha1": "ChecksumSHA1",
    "crc32c": "ChecksumCRC32C",
    "crc32": "ChecksumCRC32",
}
_MD5 = re.compile(r'"([0-9a-f]{32})"')
_CODE_TO_STATUS = {"NoSuchKey": "404", "NoSuchBucket": "404", "AccessDenied": "403"}


def split_address(source: Source) -> tuple[str, str]:
    """Bucket and object name of a gs:// or s3:// address."""
    bucket, name = _split(source)
    return bucket, unquote(name)


def find_prefix(source: Source) -> str:
    """How the names begin that a pattern matches."""
    return unquote(_WILDCARD.split(_split(source)[1])[0])


def match_names(source: Source, names: Iterator[str]) -> list[str]:
    """The names that a pattern matches, sorted.

    Glob's `*`, `?` and `[…]` stay in a folder, `**` does not. A sign that a name itself has
    is percent-encoded in the pattern.
    """
    regex = re.compile("".join(map(_translate, _WILDCARD.split(_split(source)[1]))))
    return sorted(name for name in names if regex.fullmatch(name))


def _split(source: Source) -> tuple[str, str]:
    bucket, _, name = source.location.partition("://")[2].partition("/")
    return bucket, name


def _translate(piece: str) -> str:
    """A piece of a pattern as a regular expression."""
    if not _WILDCARD.fullmatch(piece):
        return re.escape(unquote(piece))
    if piece.startswith("["):
        # glob's own module reads it the same way, slashes apart.
        return "(?!/)" + fnmatch.translate(piece).removeprefix("(?s:").removesuffix(")\\Z")
    return {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}[piece]


def limit_pages(pages: Iterable[Page], source: Source, max_objects: int) -> Iterator[Page]:
    """Pages of a listing, as many as it takes to list some objects.

    Raises:
        InputError: if there are more.
    """
    for number, page in enumerate(pages):
        if number * _OBJECTS_PER_PAGE >= max_objects:
            raise InputError(
                f"{source.label}: the listing has more than {number} pages, the limit that "
                f"max_listed_objects {max_objects} sets; give a pattern that begins with more of "
                "the name, or raise max_listed_objects"
            )
        yield page


def list_s3(source: Source, *, timeout_seconds: float, max_objects: int) -> Iterator[str]:
    """Names of the objects that begin as a pattern does.

    Raises:
        InputError: if the bucket isn't there or may not be listed.
        botocore.exceptions.BotoCoreError: if the server can't be reached.
    """
    bucket = split_address(source)[0]
    pages = _client(timeout_seconds).get_paginator("list_objects_v2")
    try:
        found = pages.paginate(Bucket=bucket, Prefix=find_prefix(source))
        for page in limit_pages(found, source, max_objects):
            yield from (item["Key"] for item in page.get("Contents", ()))
    except botocore.exceptions.ClientError as error:
        raise _refusal(source, error) from None


def open_s3(source: Source, *, timeout_seconds: float) -> tuple[str, str, dict[str, str]]:
    """A signed URL of an object, a name of its present version, and its checksums.

    Raises:
        InputError: if the object isn't there or can't be read.
        botocore.exceptions.BotoCoreError: if the server can't be reached.
    """
    bucket, key = split_address(source)
    client = _client(timeout_seconds)
    try:
        head = client.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
    except botocore.exceptions.ClientError as error:
        raise _refusal(source, error) from None
    wanted = {"Bucket": bucket, "Key": key}
    url = client.generate_presigned_url("get_object", Params=wanted, ExpiresIn=_SIGNED_SECONDS)
    return url, f"s3://{bucket}/{quote(key)}?etag={head['ETag']}", _read_checksums(head)


def decode_checksum(text: str) -> str:
    """A checksum in base64, as stores give it, in hexadecimal.

    Raises:
        InputError: if it is something else.
    """
    try:
        return base64.b64decode(text, validate=True).hex()
    except ValueError:
        raise InputError(f"a store's checksum is not base64: {text[:80]!r}") from None


def _read_checksums(head: Mapping[str, Any]) -> dict[str, str]:
    """The checksums of a whole object; those of one that came in parts may be of each part."""
    digests = {
        algorithm: decode_checksum(head[key])
        for algorithm, key in _CHECKSUMS.items()
        if key in head and "-" not in head[key]
    }
    # With a key of one's own, the ETag is that of what lies on the store's disk.
    own_key = head.get("ServerSideEncryption", "AES256") != "AES256" or (
        "SSECustomerAlgorithm" in head
    )
    if not own_key and (md5 := _MD5.fullmatch(head["ETag"])):
        digests["md5"] = md5[1]
    return digests


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
