"""The images by digest: what a registry has of them, as `make push` writes it down."""

import json
import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from components.shared.errors import InputError
from components.shared.files.atomic import whole_file

DIGESTS = Path("manifests/images.json")
_DIGEST = r"sha256:[0-9a-f]{64}"


def push(images: Iterable[str], registry: str) -> dict[str, str]:
    """Push this machine's images to a registry, with its container engine.

    Args:
        images: their names with tags; all must be here.
        registry: host, and folder or project, to put before the names.

    Returns:
        Each name with what the registry has of it: `registry/name@sha256:…`.

    Raises:
        InputError: if an image is not here, or can't be pushed; those before it were.
    """
    registry = registry.rstrip("/")
    if "://" in registry or not registry:
        raise InputError(
            f"--registry {registry}: expected a host, and folder or project, without a scheme, "
            "such as europe-docker.pkg.dev/project/bert"
        )
    images = list(images)
    expect_images(images)
    return {image: _push(image, f"{registry}/{image}") for image in images}


def expect_images(images: Iterable[str]) -> None:
    """Make sure that this machine's container engine answers, and has the images.

    Raises:
        InputError: if not.
    """
    status, said = _run("version", "--format", "{{.Server.Version}}")
    if status:
        last = said.strip().rpartition("\n")[2]
        raise InputError(f"docker: {last}; start this machine's container engine")
    missing = [image for image in images if _run("image", "inspect", image)[0]]
    if missing:
        raise InputError(
            f"{', '.join(missing)}: not on this machine's container engine; `make images` builds it"
        )


def write_digests(digests: Mapping[str, str], file: Path) -> None:
    """Write what `read_digests` reads; whole or not at all."""
    with whole_file(file) as scratch:
        scratch.write_text(json.dumps(digests, indent=2) + "\n", "utf-8")


def read_digests(file: Path) -> Mapping[str, str]:
    """Names of images with what to run in their place.

    Raises:
        InputError: if there is no such file, or it is something else.
    """
    try:
        digests = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"--images {file}: {error}; `make push` writes such a file") from None
    if not isinstance(digests, dict) or not all(
        isinstance(image, str) and re.fullmatch(rf"\S+@{_DIGEST}", image)
        for image in digests.values()
    ):
        raise InputError(
            f"--images {file}: expected an object of names and images with a digest "
            '({"name:tag": "registry/name@sha256:…"}), as `make push` writes it'
        )
    return digests


def _push(image: str, target: str) -> str:
    print(f"{image} -> {target}", flush=True)
    status, said = _run("tag", image, target)
    if status == 0:
        status, said = _run("push", target, show=True)
    digest = re.search(rf"digest: ({_DIGEST})", said)
    if status or digest is None:
        last = said.strip().rpartition("\n")[2]
        raise InputError(
            f"{target} could not be pushed: {last}; is the registry's address right, and did you "
            f"`docker login {target.partition('/')[0]}`?"
        )
    return f"{target.rpartition(':')[0]}@{digest[1]}"


def _run(*arguments: str, show: bool = False) -> tuple[int, str]:
    """The container engine's exit status and words, printed as they come where asked for."""
    try:
        with subprocess.Popen(
            ["docker", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            assert process.stdout is not None
            lines = []
            for line in process.stdout:
                lines.append(line)
                # Each layer's first words, "Preparing", come for all at once.
                if show and not line.rstrip().endswith(("Preparing", "Waiting")):
                    print(f"  {line}", end="", flush=True)
    except FileNotFoundError:
        raise InputError(
            "docker: not found; images are built, pushed and run with a container engine"
        ) from None
    return process.returncode, "".join(lines)
