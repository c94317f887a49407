"""push: put the images where the cluster pulls them from, and note their digests."""

import argparse
from pathlib import Path
from typing import Any

from pipelines.local.images import DIGESTS


def add_parser(commands: Any) -> None:
    """Its flags."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "push",
        help="push the images to a registry, and write their digests for compile",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        "--registry",
        required=True,
        help="where to: a host with a folder or a project (europe-docker.pkg.dev/project/bert)",
    )
    parser.add_argument("--output", type=Path, default=DIGESTS, help="the file of digests")
    parser.set_defaults(function=push_images)


def push_images(registry: str, output: Path) -> int:
    """Push them all; print the file's path."""
    from components.shared.images import name_image
    from pipelines.local.environments import IMAGES
    from pipelines.local.images import push, write_digests

    write_digests(push(map(name_image, IMAGES), registry), output)
    print(output)
    return 0
