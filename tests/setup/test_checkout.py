"""A whole checkout: an ordinary user, a path with a space and an accent, one package index."""

import os
import subprocess

import pytest

from tests.setup.checkouts import (
    ORDINARY_USER,
    copy_checkout,
    give_to_ordinary_user,
    make_open_folder,
)
from tests.setup.package_index import ONLY_LOOPBACK, serve_packages
from tests.setup.pythons import PATH

# An ordinary user can't use a Python in root's home.
_PATH = PATH if ORDINARY_USER is None else os.defpath


def run(checkout, *command, **settings):
    """Run a command as an ordinary user whose cache is empty."""
    environment = {"PATH": _PATH, "HOME": str(checkout.parent), **ONLY_LOOPBACK, **settings}
    done = subprocess.run(
        command,
        cwd=checkout,
        env=environment,
        user=ORDINARY_USER,
        group=ORDINARY_USER,
        extra_groups=None if ORDINARY_USER is None else [],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.slow
def test_an_ordinary_user_sets_up_and_runs_a_step():
    """All packages come from the configured index; no other host can be reached."""
    with make_open_folder() as folder, serve_packages(credentials="builder:s3cret") as index:
        checkout = copy_checkout(folder)
        give_to_ordinary_user(folder)
        sample = checkout / "pipelines" / "sample"
        outputs = ("dump-files", "squad", "given-vocabulary")

        printed = run(checkout, "make", "setup", UV_DEFAULT_INDEX=index.url)
        sync = (".venv/bin/python", "sync.py", "images/ingest")
        printed += run(checkout, *sync, UV_DEFAULT_INDEX=index.url)
        run(
            checkout,
            *("images/ingest/.venv/bin/python", "-m", "components.ingest"),
            f"--dump={sample / 'wiki-sample.xml.bz2'}",
            f"--squad-train={sample / 'squad-sample.json'}",
            *(f"--{name}={checkout / 'runs' / name}" for name in outputs),
        )
        written = {path.name for path in (checkout / "runs").rglob("*")}

    assert {"dump.json", "train.json", "dev.json"} <= written
    assert "s3cret" not in printed


@pytest.mark.long
def test_horovod_is_built_from_the_index_alone():
    """Its source distribution and what its build needs; no lock lists the latter."""
    with make_open_folder() as folder, serve_packages(form="html") as index:
        checkout = copy_checkout(folder)
        give_to_ordinary_user(folder)

        run(checkout, "make", "setup", UV_DEFAULT_INDEX=index.url)
        sync = (".venv/bin/python", "sync.py", "images/pretrain")
        run(checkout, *sync, UV_DEFAULT_INDEX=index.url)
        program = (
            "import horovod.tensorflow as hvd; hvd.init(); print(hvd.size(), hvd.gloo_built())"
        )
        printed = run(checkout, "images/pretrain/.venv/bin/python", "-c", program)
        files = {path.rpartition("/")[2] for path, _ in index.requests}

    assert "1 True" in printed.splitlines()
    assert "horovod-0.28.1.tar.gz" in files
    assert any(name.startswith("cmake-") for name in files)
