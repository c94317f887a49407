"""A Python at hand, in another place: beside the PATH, or packed as uv downloads it."""

import hashlib
import json
import os
import platform
import shutil
import sys
import sysconfig
import tarfile
from pathlib import Path

VERSION = ".".join(platform.python_version_tuple()[:2])
_OWN = Path(os.path.realpath(sys._base_executable))
# Where the system has none of its version, uv has brought the Python that runs the tests.
PATH = os.pathsep.join([os.environ["PATH"], str(_OWN.parent)])
_RELEASES = "https://github.com/astral-sh/python-build-standalone/releases/download"
_UNUSED = ("test", "site-packages", "dist-packages", "__pycache__", "config-*", "idlelib")


def copy_python(prefix: Path) -> Path:
    """Copy the interpreter that runs the tests, without packages; return the new one."""
    library = Path(sysconfig.get_path("stdlib"))
    (prefix / "bin").mkdir(parents=True)
    copy = shutil.copy2(_OWN, prefix / "bin" / f"python{VERSION}")
    (prefix / "bin" / "python3").symlink_to(copy.name)
    (prefix / "bin" / "python").symlink_to(copy.name)
    shutil.copytree(library, prefix / "lib" / library.name, ignore=shutil.ignore_patterns(*_UNUSED))
    # Of a Python that is linked against it, and looks for it beside itself.
    for shared in _OWN.parent.parent.glob("lib/libpython*.so*"):
        shutil.copy2(shared, prefix / "lib" / shared.name)
    return copy


def make_mirror(folder: Path) -> dict[str, str]:
    """Lay out a mirror of uv's Python builds that has one; return uv's settings for it."""
    copy_python(folder / "python")
    full_version = platform.python_version()
    archive = f"20260101/cpython-{full_version}-x86_64-unknown-linux-gnu-install_only.tar.gz"
    (folder / archive).parent.mkdir()
    with tarfile.open(folder / archive, "w:gz", compresslevel=1) as tar:
        tar.add(folder / "python", "python")
    shutil.rmtree(folder / "python")
    major, minor, patch = map(int, full_version.split("."))
    build = {
        "name": "cpython",
        "arch": {"family": "x86_64", "variant": None},
        "os": "linux",
        "libc": "gnu",
        "major": major,
        "minor": minor,
        "patch": patch,
        "prerelease": "",
        "url": f"{_RELEASES}/{archive}",
        "sha256": hashlib.sha256((folder / archive).read_bytes()).hexdigest(),
        "variant": None,
        "build": "20260101",
    }
    builds = folder / "builds.json"
    builds.write_text(json.dumps({f"cpython-{full_version}-linux-x86_64-gnu": build}), "utf-8")
    return {
        "UV_PYTHON_INSTALL_MIRROR": folder.as_uri(),
        "UV_PYTHON_DOWNLOADS_JSON_URL": str(builds),
    }
