"""Where files that outlive a step are kept: a folder, or a bucket."""

import re

from components.shared.errors import InputError
from components.shared.files.text import mask_addresses

# minio:// is how Kubeflow names its own store, which speaks S3.
SCHEMES = ("gs://", "s3://", "minio://")


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
