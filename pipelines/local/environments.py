"""The environments of the images on this machine: the same locks, without containers."""

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
STAGES = ("ingest", "preprocess", "pretrain", "finetune", "evaluate")
# Of each stage, of the server, and of the command line for jobs on a cluster.
IMAGES = (*STAGES, "serve", "pipelines")


class EnvironmentSetupError(RuntimeError):
    """An image's environment could not be made."""


def set_up(stage: str) -> None:
    """Make the environment of a stage's image as its lock says; return at once if it is there.

    Raises:
        EnvironmentSetupError: with uv's error, if that fails.
    """
    project = REPOSITORY / "images" / stage
    # --inexact keeps what the tests have added.
    command = [sys.executable, str(REPOSITORY / "sync.py"), str(project), "--inexact"]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise EnvironmentSetupError(
            f"the environment of images/{stage} could not be made:\n{done.stderr.strip()}"
        )


def python(stage: str) -> Path:
    """Return the interpreter of a stage's environment."""
    return REPOSITORY / "images" / stage / ".venv" / "bin" / "python"
