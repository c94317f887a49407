"""Builds manifests as `kubectl apply -k` does."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

# Of the same environment: no cluster, and no kubectl of the machine's, is needed.
_KUBECTL = Path(sys.executable).with_name("kubectl")


def build(folder: Path) -> list[dict[str, Any]]:
    """The resources of a kustomization, in the order in which they are applied."""
    command = [str(_KUBECTL), "kustomize", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return list(yaml.load_all(done.stdout, Loader=yaml.CSafeLoader))
