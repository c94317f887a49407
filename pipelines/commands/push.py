"""push: push the images to the cluster's registry and record their digests."""

import argparse
from pathlib import Path
from typing import Any

from pipelines.local.images import DIGESTS


def add_parser(commands: Any) -> None:
    """Add the command's flags."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "push",
        help="push the images to a registry and record their digests for compile",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        "--registry",
        required=True,
        help="host, and folder or project, to push to (europe-docker.pkg.dev/project/bert)",
    )
    parser.add_argument("--output", type=Path, default=DIGESTS, help="file of digests to write")
    parser.set_defaults(function=push_images)


def push_images(registry: str, output: Path) -> int:
    """Push all images and print the path of the file of digests."""
    from components.shared.images import name_image
    from pipelines.local.environments import IMAGES
    from pipelines.local.images import push, write_digests

    write_digests(push(map(name_image, IMAGES), registry), output)
    print(output)
    return 0
