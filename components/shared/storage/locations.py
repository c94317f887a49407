"""Where files that outlive a step are kept: a folder, or a bucket."""

import re
from dataclasses import dataclass

from components.shared.errors import InputError
from components.shared.files.text import mask_addresses
from components.shared.stage.settings import Rare

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


@dataclass(frozen=True, kw_only=True)
class ObjectStoreConfig:
    """The setting of stages that work on large data."""

    use_object_store: Rare[bool] = False
    """Work directly in object storage: text in a bucket is not copied first, and the dataset is
    read and written in the bucket of the pipeline root instead of through Kubeflow's copies.
    Workers on other machines always do the latter."""
