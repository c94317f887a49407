"""sync.py: which Python an environment gets, and where its packages come from."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import sync as sync_module
from pipelines.local.environments import REPOSITORY
from tests.setup.package_index import serve_packages
from tests.setup.pythons import VERSION, copy_python, make_mirror
from tests.setup.toys import PROJECT, add_a_file, installed, make_checkout, sync


@pytest.fixture
def checkout(tmp_path):
    return make_checkout(tmp_path, toy=PROJECT)


def base_python(environment):
    command = [environment / "bin" / "python", "-c", "import sys; print(sys._base_executable)"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return Path(done.stdout.strip()).resolve()


@pytest.mark.parametrize("settings", [{}, {"PYTHONDONTWRITEBYTECODE": "1"}])
def test_modules_are_compiled_where_python_may_not_do_it_later(checkout, settings):
    """Many containers set that variable; each process would compile its packages anew."""
    with serve_packages() as index:
        done = sync(checkout, UV_DEFAULT_INDEX=index.url, **settings)

    assert done.returncode == 0, done.stderr
    compiled = checkout.glob("toy/.venv/lib/*/site-packages/iniconfig/__pycache__/*.pyc")
    assert bool(list(compiled)) == bool(settings)


@pytest.mark.parametrize("form", ["json", "html"])
def test_the_packages_come_from_the_configured_index(checkout, form):
    """The lock names other addresses, and stays as it is."""
    lock = (checkout / "toy" / "uv.lock").read_bytes()
    with serve_packages(form=form, credentials="builder:s3cret") as index:
        done = sync(checkout, "--group", "test", UV_DEFAULT_INDEX=index.url)

    assert done.returncode == 0, done.stderr
    assert "s3cret" not in done.stdout + done.stderr
    assert {"iniconfig", "pluggy"} <= installed(checkout)
    assert (checkout / "toy" / "uv.lock").read_bytes() == lock


def test_pips_index_is_used_as_well(checkout):
    """uv itself does not read pip's settings."""
    with serve_packages() as index:
        done = sync(checkout, PIP_INDEX_URL=index.url, UV_DEFAULT_INDEX="")

    assert done.returncode == 0, done.stderr
    assert "iniconfig" in installed(checkout)


def test_a_package_that_the_lock_does_not_know_is_rejected(checkout):
    """An index can't slip in other content under the same name."""
    with serve_packages(change=add_a_file) as index:
        done = sync(checkout, UV_DEFAULT_INDEX=index.url.replace("://", "://builder:s3cret@"))

    assert done.returncode == 1
    assert "Hash mismatch for `iniconfig" in done.stderr
    assert "s3cret" not in done.stderr
    assert "Traceback" not in done.stderr
    assert "iniconfig" not in installed(checkout)


def test_only_what_is_locked_stays_but_with_inexact(checkout):
    """The tests' packages survive a run of the pipeline."""
    with serve_packages() as index:
        sync(checkout, "--group", "test", UV_DEFAULT_INDEX=index.url)
        sync(checkout, "--inexact", UV_DEFAULT_INDEX=index.url)
        with_test = installed(checkout)
        sync(checkout, UV_DEFAULT_INDEX=index.url)

    assert "pluggy" in with_test
    assert "pluggy" not in installed(checkout)


def test_a_package_can_be_left_out(checkout):
    """As an image does with what its base has."""
    with serve_packages() as index:
        command = ("--group", "test", "--no-install-package", "iniconfig")
        done = sync(checkout, *command, UV_DEFAULT_INDEX=index.url)

    assert done.returncode == 0, done.stderr
    assert "pluggy" in installed(checkout)
    assert "iniconfig" not in installed(checkout)


def test_nothing_is_read_from_the_network_where_all_is_there(checkout):
    """A second run works offline."""
    with serve_packages() as index:
        sync(checkout, UV_DEFAULT_INDEX=index.url)
    done = sync(checkout)

    assert done.returncode == 0, done.stderr
    assert done.stdout == ""


def test_a_copied_cache_is_enough_offline(checkout):
    """For a machine without a network: what was set up elsewhere, with uv's cache."""
    cache = str(checkout.parent / "cache")
    with serve_packages() as index:
        sync(checkout, UV_DEFAULT_INDEX=index.url, UV_CACHE_DIR=cache)
    shutil.rmtree(checkout / "toy" / ".venv")
    settings = {"UV_CACHE_DIR": cache, "UV_OFFLINE": "1"}
    done = sync(checkout, UV_DEFAULT_INDEX=index.url, **settings)

    assert done.returncode == 0, done.stderr
    assert "iniconfig" in installed(checkout)


def test_a_python_that_does_not_run_is_skipped(checkout, tmp_path):
    """A shim of pyenv's, say; the next name on the PATH is tried."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "python3").write_text("#!/bin/sh\nexit 127\n", "utf-8")
    (folder / "python3").chmod(0o755)
    own = copy_python(tmp_path / "other")
    (folder / f"python{VERSION}").symlink_to(own)
    with serve_packages() as index:
        done = sync(checkout, path=str(folder), UV_DEFAULT_INDEX=index.url)

    assert done.returncode == 0, done.stderr
    assert base_python(checkout / "toy" / ".venv") == own.resolve()


def test_the_named_python_is_used_and_kept(checkout, tmp_path):
    """It need not be on the PATH; all other projects take it from .venv."""
    own = copy_python(tmp_path / "opt pythôn")
    with serve_packages() as index:
        named = sync(checkout, "--python", str(own), UV_DEFAULT_INDEX=index.url)
        assert named.returncode == 0, named.stderr
        shutil.move(checkout / "toy" / ".venv", checkout / ".venv")
        other = sync(checkout, UV_DEFAULT_INDEX=index.url)

    assert other.returncode == 0, other.stderr
    assert base_python(checkout / "toy" / ".venv") == own.resolve()


@pytest.mark.parametrize(("given", "passed_on"), [((), ""), (("PYTHON=/o p/py",), "/o p/py")])
def test_make_names_the_python_that_it_was_given(given, passed_on):
    """Otherwise sync.py chooses; python3 may be too new."""
    command = ["make", "--dry-run", "setup", *given]
    # Not as a part of the make that runs the tests.
    inherited = ("PYTHON", "MAKEFLAGS", "MAKELEVEL", "MFLAGS")
    environment = {name: value for name, value in os.environ.items() if name not in inherited}
    done = subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=True
    )

    python, *arguments = shlex.split(done.stdout)
    assert python == (passed_on or "python3")
    assert arguments == ["sync.py", ".", *(["--python", passed_on] if passed_on else [])]


@pytest.mark.parametrize(
    ("python", "reason"), [("/nowhere/python3", "does not run"), ("/bin/true", "does not run")]
)
def test_a_named_python_that_cannot_be_used_is_rejected(checkout, python, reason):
    """It is not replaced by another silently."""
    done = sync(checkout, "--python", python)

    assert done.returncode == 1
    assert done.stderr == f"{python} {reason}; use Python {VERSION}\n"


def test_without_a_python_uv_brings_one_from_the_mirror(checkout, tmp_path):
    """uv's variables name the mirror; the PATH has no Python."""
    mirror = make_mirror(tmp_path / "mirror")
    with serve_packages() as index:
        done = sync(checkout, path="/nowhere", UV_DEFAULT_INDEX=index.url, **mirror)

    assert done.returncode == 0, done.stderr
    assert "iniconfig" in installed(checkout)
    assert base_python(checkout / "toy" / ".venv").is_relative_to(tmp_path / "home")


@pytest.mark.parametrize("settings", [{}, {"UV_PYTHON_DOWNLOADS": "never"}])
def test_without_a_python_and_a_mirror_the_error_says_what_to_do(checkout, settings):
    """Whether uv may not download, or can't."""
    done = sync(checkout, path="/nowhere", **settings)

    assert done.returncode == 1
    assert f"no Python {VERSION} is installed, and uv could not" in done.stderr
    assert "make PYTHON=" in done.stderr
    assert "UV_PYTHON_INSTALL_MIRROR" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_home_that_can_not_be_written_does_no_harm(checkout):
    """Neither the first time, nor once the environment is there."""
    with serve_packages() as index:
        settings = {"UV_DEFAULT_INDEX": index.url, "HOME": "/dev/null"}
        first = sync(checkout, **settings)
    second = sync(checkout, HOME="/dev/null")

    assert first.returncode == 0, first.stderr
    assert second.returncode == 0, second.stderr


def test_the_pipelines_are_found_from_any_folder(tmp_path):
    """By the environment's Python."""
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)

    sync_module.let_import_everywhere(environment)

    command = [environment / "bin" / "python", "-c", "import pipelines; print(pipelines.__file__)"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert Path(done.stdout.strip()) == REPOSITORY / "pipelines" / "__init__.py"
