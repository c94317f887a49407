"""get_uv.py: any Python from 3.8, a package index of one's own, and errors without a traceback."""

import ast
import os
import platform
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.local.environments import REPOSITORY
from tests.setup.checkouts import ORDINARY_USER, copy_checkout, make_open_folder
from tests.setup.package_index import ONLY_LOOPBACK, serve_packages

# Those that pyenv keeps, besides the one that runs the tests.
PYTHONS = [
    sys.executable,
    *(
        str(path)
        for path in sorted((Path.home() / ".pyenv" / "versions").glob("3.*/bin/python"))
        if int(path.parts[-3].split(".")[1]) >= 8
    ),
]


NEEDED = ("get_uv.py", "uv.lock")


@pytest.fixture
def checkout(tmp_path):
    """A folder with what setting up uv takes; the path has a space and an accent."""
    return copy_checkout(tmp_path, *NEEDED)


def get_uv(checkout, *, index=None, python=sys.executable, before=(), **settings):
    """Run get_uv.py where only loopback can be reached."""
    environment = {"PATH": os.defpath, "HOME": str(checkout), **ONLY_LOOPBACK}
    if index:
        environment["UV_DEFAULT_INDEX"] = index
    settings.setdefault("env", environment)
    command = [*before, python, str(checkout / "get_uv.py")]
    return subprocess.run(command, capture_output=True, text=True, check=False, **settings)


def assert_one_error(done, *parts):
    """It failed with one line that has all parts, and no traceback."""
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert all(part in done.stderr for part in parts), done.stderr


def list_tools(checkout):
    tools = checkout / ".tools"
    return sorted(path.name for path in tools.iterdir()) if tools.is_dir() else []


@pytest.mark.parametrize("name", ["get_uv.py", "sync.py"])
def test_the_syntax_is_that_of_python_38(name):
    """Ubuntu 22.04 and older systems can start it."""
    ast.parse((REPOSITORY / name).read_text("utf-8"), feature_version=(3, 8))


@pytest.mark.parametrize(
    ("form", "python"), [("html", sys.executable), *(("json", python) for python in PYTHONS)]
)
def test_uv_comes_from_the_configured_index(checkout, python, form):
    """In both forms of the simple API, on every Python at hand."""
    with serve_packages(form=form, credentials="builder:s3cret") as index:
        done = get_uv(checkout, index=index.url, python=python)
        again = get_uv(checkout, python=python)

    assert done.returncode == 0, done.stderr
    assert again.returncode == 0, again.stderr
    assert "s3cret" not in done.stdout + done.stderr
    version = subprocess.run(
        [checkout / ".tools" / "uv", "--version"], capture_output=True, text=True, check=True
    )
    assert f'name = "uv"\nversion = "{version.stdout.split()[1]}"' in (
        checkout / "uv.lock"
    ).read_text("utf-8")
    assert len(list_tools(checkout)) == 2


def test_pips_settings_name_the_index_too(checkout):
    """As a variable, or in the file that PIP_CONFIG_FILE names."""
    settings = checkout / "pip.conf"
    for is_variable in (True, False):
        with serve_packages() as index:
            settings.write_text(f"[global]\nindex-url = {index.url}\n", "utf-8")
            named = (
                {"PIP_INDEX_URL": index.url} if is_variable else {"PIP_CONFIG_FILE": str(settings)}
            )
            done = get_uv(checkout, env={"PATH": os.defpath, **ONLY_LOOPBACK, **named})
        shutil.rmtree(checkout / ".tools")

        assert done.returncode == 0, done.stderr
        assert index.requests


def test_the_password_goes_to_the_index_alone(checkout):
    """Files may lie on another host, which must not learn it."""
    with serve_packages(credentials="builder:s3cret", files_host="localhost") as index:
        done = get_uv(checkout, index=index.url)

    assert done.returncode == 0, done.stderr
    (_, on_page), (_, on_file) = index.requests
    assert on_page is not None
    assert on_file is None


def test_the_password_may_be_in_netrc(checkout):
    """As uv and pip read it."""
    netrc = checkout / ".netrc"
    netrc.write_text("machine 127.0.0.1 login builder password s3cret\n", "utf-8")
    netrc.chmod(0o600)
    with serve_packages(credentials="builder:s3cret") as index:
        done = get_uv(checkout, index=index.url.replace("builder:s3cret@", ""))

    assert done.returncode == 0, done.stderr


def test_a_wrong_password_is_not_printed(checkout):
    """The error names the index without it."""
    with serve_packages(credentials="builder:s3cret") as index:
        done = get_uv(checkout, index=index.url.replace("s3cret", "wr0ng"))

    assert_one_error(done, "401", f"http://127.0.0.1:{index.server_port}/simple")
    assert "wr0ng" not in done.stderr


def test_an_index_that_is_no_url_is_rejected_unprinted(checkout):
    """It may hold a password."""
    done = get_uv(checkout, index="builder:s3cret@packages.example/simple")

    assert_one_error(done, "must be a URL that starts with https://")
    assert "s3cret" not in done.stderr


def test_without_a_network_the_error_says_what_to_set(checkout):
    """And nothing is left behind."""
    done = get_uv(checkout)

    assert_one_error(done, "can't be read", "HTTPS_PROXY", "UV_DEFAULT_INDEX")
    assert list_tools(checkout) == []


def test_an_index_without_uv_is_named(checkout):
    """A mirror may hold only what was copied to it."""
    with serve_packages(lacks="manylinux") as index:
        done = get_uv(checkout, index=index.url)

    assert_one_error(done, f"127.0.0.1:{index.server_port}/simple does not have uv-")


def test_a_damaged_wheel_is_rejected(checkout):
    """By its SHA-256."""
    with serve_packages(change=lambda name, content: content[:-1] + b"x") as index:
        done = get_uv(checkout, index=index.url)

    assert_one_error(done, "another SHA-256 than uv.lock names")
    assert list_tools(checkout) == []


def test_a_download_that_breaks_off_is_told(checkout):
    """The connection ends before the length that was promised."""

    class Cut(bytes):
        def __len__(self):
            return 10**6

    with serve_packages(change=lambda name, content: Cut(content[:1000])) as index:
        done = get_uv(checkout, index=index.url)

    assert_one_error(done, "IncompleteRead", "Check the network")


def test_a_disk_without_room_is_told(checkout):
    """A limit on the file's size ends the writing as a full disk does."""
    with serve_packages() as index:
        done = get_uv(
            checkout,
            index=index.url,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10**6, 10**6)),
        )

    assert_one_error(done, "can't be written", ".tools")
    assert list_tools(checkout) == []


@pytest.mark.skipif(ORDINARY_USER is None, reason="only root can start it as another user")
def test_a_folder_that_cannot_be_written_is_told():
    """Another user's checkout, say."""
    with make_open_folder() as folder, serve_packages() as index:
        checkout = copy_checkout(folder, *NEEDED)
        done = get_uv(checkout, index=index.url, python="/usr/bin/python3", user=ORDINARY_USER)

    assert_one_error(done, "can't be written", "Permission denied")


def test_a_missing_lock_is_told(checkout):
    """Where only the script was copied."""
    (checkout / "uv.lock").unlink()

    assert_one_error(get_uv(checkout), "uv.lock can't be read")


def test_a_python_without_its_whole_library_is_told(checkout, tmp_path):
    """Debian's python3-minimal, say."""
    (tmp_path / "netrc.py").write_text("raise ModuleNotFoundError(name='netrc')\n", "utf-8")
    done = get_uv(checkout, env={"PYTHONPATH": str(tmp_path)})

    assert_one_error(done, "has no module netrc")


@pytest.mark.skipif(not shutil.which("setarch"), reason="needs setarch, of util-linux")
def test_another_system_is_told_how_to_use_a_container(checkout):
    """The commands are whole, so that they can be copied."""
    done = get_uv(checkout, before=("setarch", "i686"))

    assert done.returncode == 1
    assert "this is Linux on i686" in done.stderr
    assert "docker run --rm -it --platform linux/amd64" in done.stderr
    assert "Traceback" not in done.stderr
    assert platform.machine() == "x86_64"
