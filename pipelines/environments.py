"""The environments of the images on this machine: the same locks, without containers."""

import os
import subprocess
import sys
from pathlib import Path

import uv

REPOSITORY = Path(__file__).resolve().parent.parent
STAGES = ("ingest", "preprocess", "pretrain", "finetune", "evaluate")
# Of each stage, and of the command line for jobs on a cluster.
IMAGES = (*STAGES, "pipelines")
# The first that has Horovod; the next takes the build from uv's cache.
_COMPILES_HOROVOD = "pretrain"


class EnvironmentSetupError(RuntimeError):
    """An image's environment could not be made."""


def set_up(stage: str) -> None:
    """Make the environment of a stage's image as its lock says; at once if it is there.

    Raises:
        EnvironmentSetupError: with uv's own words, if that fails.
    """
    project = REPOSITORY / "images" / stage
    command = [uv.find_uv_bin(), "sync", "--frozen", "--project", str(project)]
    # --inexact: what the tests have added may stay.
    command += ["--inexact", "--no-progress", "--python", ".".join(map(str, sys.version_info[:2]))]
    if not (project / ".venv").exists():
        hint = (
            "; Horovod is compiled, which takes some minutes" if stage == _COMPILES_HOROVOD else ""
        )
        print(f"Setting up the environment of {stage} (once{hint})", flush=True)
    done = subprocess.run(command, env=_environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise EnvironmentSetupError(
            f"the environment of images/{stage} could not be made:\n{done.stderr.strip()}"
        )


def python(stage: str) -> Path:
    """The interpreter of a stage's environment."""
    return REPOSITORY / "images" / stage / ".venv" / "bin" / "python"


def _environment() -> dict[str, str]:
    environment = {**os.environ, "UV_PYTHON_DOWNLOADS": "never"}
    # Set by `uv run`, it would redirect the sync to the environment we run in.
    environment.pop("VIRTUAL_ENV", None)
    return environment
