"""Whether this machine's container engine has the images."""

import os
import subprocess

import pytest

from components.shared.images import name_image
from pipelines.local.environments import IMAGES


def images_are_built() -> bool:
    """Whether `make images` has been run here."""
    command = ["docker", "image", "inspect", *map(name_image, IMAGES)]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def needs_images(test):
    """Skip a test where there are no images, but never in CI."""
    built = images_are_built() or os.environ.get("CI") == "true"
    skip = pytest.mark.skipif(not built, reason="needs a container engine and `make images`")
    return pytest.mark.docker(skip(test))
