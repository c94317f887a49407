"""Packages that sync.py builds: what they are built with is verified as well."""

import shutil

import pytest

from tests.setup.package_index import serve_packages
from tests.setup.pythons import VERSION
from tests.setup.toys import PROJECT, add_a_file, make_checkout, sync

_TOY = (
    PROJECT.replace('"iniconfig"', '"tool"')
    + """\
sources = { tool = { path = "../tool" } }
extra-build-variables = { tool = { VARIANT = "gpu" } }
"""
)
_TOOL = f"""\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "tool"
version = "1"
requires-python = ">={VERSION}"

[dependency-groups]
build = ["iniconfig==2.0.0"]

[tool.uv]
cache-keys = [{{ file = "*.py" }}, {{ file = "uv.lock" }}]
"""
# The wheel says what it was built with.
_BACKEND = """\
import importlib.metadata, os, pathlib, zipfile

def get_requires_for_build_wheel(config_settings=None):
    return ["iniconfig", *os.environ.get("EXTRA", "").split()]

def build_wheel(folder, config_settings=None, metadata_directory=None):
    version = importlib.metadata.version("iniconfig")
    files = {
        "tool.py": f"VARIANT, INICONFIG = {os.environ.get('VARIANT')!r}, {version!r}",
        "tool-1.dist-info/METADATA": "Metadata-Version: 2.1\\nName: tool\\nVersion: 1\\n",
        "tool-1.dist-info/WHEEL": "Wheel-Version: 1.0\\nTag: py3-none-any\\n",
    }
    files["tool-1.dist-info/RECORD"] = "".join(f"{name},,\\n" for name in files)
    with zipfile.ZipFile(pathlib.Path(folder, "tool-1-py3-none-any.whl"), "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return "tool-1-py3-none-any.whl"
"""


@pytest.fixture
def checkout(tmp_path):
    folder = make_checkout(tmp_path, tool=_TOOL, toy=_TOY)
    (folder / "tool" / "backend.py").write_text(_BACKEND, "utf-8")
    return folder


def find_tool(checkout):
    """Return what the built module says."""
    return [module.read_text("utf-8") for module in checkout.glob("toy/.venv/lib/*/*/tool.py")]


@pytest.mark.parametrize("arguments", [(), ("--no-cache",)])
def test_a_local_package_is_built_with_what_its_own_lock_names(checkout, arguments):
    """From the configured index, and with the variables of the project that needs it."""
    with serve_packages(credentials="builder:s3cret") as index:
        first = sync(checkout, *arguments, UV_DEFAULT_INDEX=index.url)
    second = sync(checkout)

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert find_tool(checkout) == ["VARIANT, INICONFIG = 'gpu', '2.0.0'"]


def test_a_build_dependency_with_another_hash_stops_the_build(checkout):
    """It would run on this machine before anything else that is verified."""
    with serve_packages(change=add_a_file) as index:
        done = sync(checkout, UV_DEFAULT_INDEX=index.url)

    assert done.returncode == 1
    assert "Hash mismatch for `iniconfig==2.0.0`" in done.stderr
    assert "Traceback" not in done.stderr
    assert find_tool(checkout) == []


def test_a_build_dependency_without_a_hash_stops_the_build(checkout):
    """One that the build backend asks for, and that is not locked."""
    with serve_packages() as index:
        done = sync(checkout, UV_DEFAULT_INDEX=index.url, EXTRA="pluggy")

    assert done.returncode == 1
    assert "no trusted hash was provided for: `pluggy`" in done.stderr
    assert find_tool(checkout) == []


def test_a_package_is_built_again_offline(checkout):
    """A copied cache has the build's dependencies too."""
    cache = {"UV_CACHE_DIR": str(checkout.parent / "cache")}
    with serve_packages() as index:
        sync(checkout, UV_DEFAULT_INDEX=index.url, **cache)
    shutil.rmtree(checkout / "toy" / ".venv")
    backend = checkout / "tool" / "backend.py"
    backend.write_text(_BACKEND.replace("VARIANT, INICONFIG", "AGAIN, INICONFIG"), "utf-8")
    done = sync(checkout, UV_DEFAULT_INDEX=index.url, UV_OFFLINE="1", **cache)

    assert done.returncode == 0, done.stderr
    assert find_tool(checkout) == ["AGAIN, INICONFIG = 'gpu', '2.0.0'"]
