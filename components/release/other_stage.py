"""Runs another stage's command line, in this stage's image."""

import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from components.shared.stage.command_line import format_value


def run_stage(*words: str, settings: Mapping[str, Any]) -> str:
    """Run `python -m` with these words and settings; its progress is shown.

    Returns:
        The last line of its errors if it failed, else "".
    """
    flags = [f"--{name.replace('_', '-')}={format_value(one)}" for name, one in settings.items()]
    done = subprocess.run(
        [sys.executable, "-m", *words, *flags],
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        check=False,
    )
    return done.stderr.strip().rpartition("\n")[2] if done.returncode else ""
