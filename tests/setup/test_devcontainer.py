"""What other systems are told to use: the container of .devcontainer, by hand or by an editor."""

import json
import os
import shlex
import subprocess

import pytest

import get_uv
from pipelines.local.environments import REPOSITORY
from tests.setup.checkouts import copy_checkout


def engine_runs() -> bool:
    """Whether there is a container engine; in CI there has to be one."""
    if os.environ.get("CI") == "true":
        return True
    try:
        return subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def read_commands():
    """The commands that get_uv.py prints on another system, as arguments."""
    lines = get_uv.CONTAINER.splitlines()
    return [shlex.split(line) for line in lines if line.strip().startswith("docker ")]


def test_editors_and_the_printed_commands_use_the_same_container():
    """A Linux on x86-64, set up by make."""
    settings = json.loads((REPOSITORY / ".devcontainer" / "devcontainer.json").read_text("utf-8"))
    build, run = read_commands()

    assert build[-1] == ".devcontainer"
    assert settings["build"] == {"dockerfile": "Dockerfile", "options": ["--platform=linux/amd64"]}
    assert settings["runArgs"] == ["--platform=linux/amd64"]
    assert settings["postCreateCommand"] == "make setup"
    assert run[-2:] == ["make", "demo"]


@pytest.mark.slow
@pytest.mark.docker
@pytest.mark.skipif(not engine_runs(), reason="needs a container engine")
def test_the_printed_commands_work(tmp_path):
    """Up to the environment of the command line; the demo is run on a bare system elsewhere."""
    checkout = copy_checkout(tmp_path)
    build, run = read_commands()
    # Tests have no shell and no terminal.
    run = [part.replace("$PWD", str(checkout)) for part in run if part != "-it"]

    subprocess.run(build, cwd=checkout, check=True)
    command = [*run[:-2], "sh", "-c", "make setup && .venv/bin/python -m pipelines plan --help"]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "--hardware" in done.stdout
