"""Build manifests as `kubectl apply -k` does."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from pipelines.local.environments import REPOSITORY

# From the same environment, so that no kubectl on the machine is needed.
KUBECTL = Path(sys.executable).with_name("kubectl")
MANIFESTS = REPOSITORY / "manifests"
OVERLAYS = sorted(folder.name for folder in (MANIFESTS / "overlays").iterdir())


def build(folder: Path) -> list[dict[str, Any]]:
    """Return the resources of a kustomization, in the order in which they are applied."""
    command = [str(KUBECTL), "kustomize", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return list(yaml.load_all(done.stdout, Loader=yaml.CSafeLoader))


def copy_overlay(folder: Path, source: str, **settings: Any) -> Path:
    """Make the overlay `mine` from another, its files too, with other settings.

    Args:
        folder: becomes a copy of manifests/, with links to all but the overlays.
        source: name of the overlay.
        settings: keys of kustomization.yaml.
    """
    overlay = _link_parts(folder)
    shutil.copytree(MANIFESTS / "overlays" / source, overlay)
    file = overlay / "kustomization.yaml"
    document = yaml.safe_load(file.read_text("utf-8")) | settings
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    return overlay


def make_overlay(folder: Path, namespace: str, *components: str) -> Path:
    """Make an overlay of components alone, as manifests/components/README.md does of the server."""
    overlay = _link_parts(folder)
    overlay.mkdir(parents=True)
    document = {
        "namespace": namespace,
        "components": [f"../../components/{name}" for name in components],
    }
    (overlay / "kustomization.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    return overlay


def _link_parts(folder: Path) -> Path:
    """Link all of manifests/ but the overlays into a folder; return where one is to be."""
    folder.mkdir(exist_ok=True)
    for part in ("base", "components", "pipelines"):
        (folder / part).symlink_to(MANIFESTS / part)
    return folder / "overlays" / "mine"
