"""Small projects, and sync.py that makes their environments."""

import io
import subprocess
import sys
import zipfile
from pathlib import Path

from pipelines.local.environments import REPOSITORY
from tests.setup.checkouts import copy_checkout
from tests.setup.package_index import ONLY_LOOPBACK
from tests.setup.pythons import PATH, VERSION

_NEXT = "3.{}".format(int(VERSION.split(".")[1]) + 1)
PROJECT = f"""\
[project]
name = "toy"
version = "1"
requires-python = ">={VERSION},<{_NEXT}"
dependencies = ["iniconfig"]

[dependency-groups]
test = ["pluggy"]

[tool.uv]
package = false
"""


def make_checkout(folder: Path, **projects: str) -> Path:
    """Make a checkout with what sync.py needs, and with projects.

    Args:
        folder: where it goes.
        projects: the content of each one's pyproject.toml, by the name of its folder. They are
            resolved in this order, by the index that the project's own lock names.
    """
    checkout = copy_checkout(folder, "get_uv.py", "sync.py", "uv.lock")
    (checkout / ".tools").symlink_to(REPOSITORY / ".tools")
    for name, content in projects.items():
        (checkout / name).mkdir()
        (checkout / name / "pyproject.toml").write_text(content, "utf-8")
    for name in projects:
        uv = REPOSITORY / ".tools" / "uv"
        subprocess.run([uv, "lock", "--quiet", "--project", checkout / name], check=True)
    return checkout


def sync(checkout, *arguments, path=PATH, python=sys.executable, **settings):
    """Sync the project `toy` with an empty cache where only loopback can be reached."""
    home = checkout.parent / "home"
    environment = {"PATH": path, "HOME": str(home), **ONLY_LOOPBACK, **settings}
    return subprocess.run(
        [python, checkout / "sync.py", checkout / "toy", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def installed(checkout):
    """Return the names of the modules in the project's environment."""
    packages = list(checkout.glob("toy/.venv/lib/*/site-packages/*"))
    return {path.stem for path in packages if "." not in path.stem}


def add_a_file(name, wheel):
    """Add a file to a wheel on its way from the index."""
    content = io.BytesIO(wheel)
    with zipfile.ZipFile(content, "a") as archive:
        archive.writestr("iniconfig/extra.py", "")
    return content.getvalue()
