"""Where files that outlive a step are kept: a folder, or a bucket."""

import re
from dataclasses import dataclass

from components.shared.errors import InputError
from components.shared.files.text import mask_addresses
from components.shared.stage.settings import Rare

# minio:// is how Kubeflow names its own store, which speaks S3.
SCHEMES = ("gs://", "s3://", "minio://")
_BUCKET = re.compile(r"[A-Za-z0-9._-]{1,255}")


def expect_path_or_bucket(name: str, place: str) -> None:
    """Refuse what looks like an address and is none of a bucket.

    As a path it would be written to the pod's own disk, and be lost with it.

    Args:
        name: the setting's.
        place: its value; "" is left to others.

    Raises:
        InputError: if it is such a one.
    """
    if re.match(r"[A-Za-z][\w+.-]*:", place) and not place.startswith(SCHEMES):
        raise InputError(
            f"{name} must be a path (on a mounted volume), gs:// or s3:// address, got "
            f"{mask_addresses(place)!r}"
        )


def split_bucket(address: str) -> tuple[str, str]:
    """The bucket of an address, and what follows it.

    Raises:
        InputError: if it names none, or one that no bucket can have, or a user: stores take
            none there, and what they say about such a bucket would show the password.
    """
    scheme, _, rest = address.partition("://")
    bucket, _, path = rest.partition("/")
    if not bucket:
        raise InputError(f"{address}: no bucket's name in it; write {scheme}://bucket/folder")
    if "@" in bucket:
        raise InputError(
            f"{mask_addresses(address)}: the address of a bucket holds no user and password; give "
            "them in the environment (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
            "GOOGLE_APPLICATION_CREDENTIALS)"
        )
    if not _BUCKET.fullmatch(bucket):
        raise InputError(
            f"{address}: a bucket's name has letters, digits, dots, dashes and underscores alone, "
            f"got {bucket!r}"
        )
    return bucket, path


@dataclass(frozen=True, kw_only=True)
class ObjectStoreConfig:
    """The setting of stages that work on large data."""

    use_object_store: Rare[bool] = False
    """Work directly in object storage: text in a bucket is not copied first, and the dataset is
    read and written in the bucket of the pipeline root instead of through Kubeflow's copies.
    Workers on other machines always do the latter."""
