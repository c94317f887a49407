"""The images by digest: what a registry has of them, as `make push` writes it down."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

from components.shared.errors import InputError

DIGESTS = Path("manifests/images.json")
_DIGEST = re.compile(r"\S+@sha256:[0-9a-f]{64}")


def read_digests(file: Path) -> Mapping[str, str]:
    """Names of images with what to run in their place.

    Raises:
        InputError: if there is no such file, or it is something else.
    """
    try:
        images = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"--images {file}: {error}; `make push` writes such a file") from None
    if not isinstance(images, dict) or not all(
        isinstance(image, str) and _DIGEST.fullmatch(image) for image in images.values()
    ):
        raise InputError(
            f"--images {file}: expected an object of names and images with a digest "
            '({"name:tag": "registry/name@sha256:…"}), as `make push` writes it'
        )
    return images
