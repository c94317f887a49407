"""Ctrl-C while modules are still being imported."""

import signal
import subprocess
import sys

import pytest


@pytest.mark.parametrize("package", ["components", "pipelines"])
def test_an_interrupt_during_imports_shows_no_traceback(package):
    """One word, and the status of a program that SIGINT ended; other errors keep theirs."""

    def run(error):
        code = f"import {package}\nraise {error}"
        return subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False
        )

    interrupted, failed = run("KeyboardInterrupt"), run("ValueError('wrong')")

    assert interrupted.stderr == "interrupted\n"
    assert interrupted.returncode == -signal.SIGINT
    assert failed.stderr.startswith("Traceback")
    assert "ValueError: wrong" in failed.stderr
