"""push: push the images to a registry and record their digests for compile."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from components.shared.stage.command_line import parse_config
from pipelines.local.images import DIGESTS


@dataclass(frozen=True, kw_only=True)
class PushSettings:
    """Push the images to a registry and record their digests for compile."""

    registry: str
    """Host, and folder or project, to push to (europe-docker.pkg.dev/project/bert)."""
    output: Path = DIGESTS
    """File of digests to write."""


def main(arguments: Sequence[str]) -> int:
    """Push all images and print the path of the file of digests."""
    from components.shared.images import name_image
    from pipelines.local.environments import IMAGES
    from pipelines.local.images import push, write_digests

    settings = parse_config(PushSettings, arguments, prog="python -m pipelines push")
    write_digests(push(map(name_image, IMAGES), settings.registry), settings.output)
    print(settings.output)
    return 0
