"""Puts uv, which sets up all environments, into .tools/: needs Python and nothing else.

Debian's Python comes without pip and venv, so the wheel that uv.lock names is fetched,
compared with its checksum and unpacked here.
"""

import hashlib
import io
import platform
import sys
import tomllib
import urllib.request
import zipfile
from pathlib import Path

_REPOSITORY = Path(__file__).resolve().parent
_TIMEOUT_SECONDS = 60


def main() -> None:
    """Install uv, unless this version is there."""
    if sys.version_info[:2] not in ((3, 11), (3, 12)):
        sys.exit(
            f"Python 3.11 or 3.12 is needed, {sys.executable} is {platform.python_version()}; "
            "name another: make PYTHON=/usr/bin/python3.11 …"
        )
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        sys.exit(
            "TensorFlow and Horovod are locked for Linux on x86-64; "
            f"this is {sys.platform} on {platform.machine()}"
        )
    lock = tomllib.loads((_REPOSITORY / "uv.lock").read_text("utf-8"))
    (package,) = (package for package in lock["package"] if package["name"] == "uv")
    target = _REPOSITORY / ".tools" / f"uv-{package['version']}"
    if not target.exists():
        _install(package, target)
    link = _REPOSITORY / ".tools" / "uv"
    link.unlink(missing_ok=True)
    link.symlink_to(target.name)


def _install(package: dict, target: Path) -> None:
    (wheel,) = (
        wheel
        for wheel in package["wheels"]
        if "manylinux" in wheel["url"] and wheel["url"].endswith("x86_64.whl")
    )
    print(f"Fetching uv {package['version']}", flush=True)
    try:
        with urllib.request.urlopen(wheel["url"], timeout=_TIMEOUT_SECONDS) as response:  # noqa: S310 - https, from the lock
            content = response.read()
    except OSError as error:
        sys.exit(
            f"{wheel['url']} could not be fetched: {error}\n"
            "check the network (proxy, SSL_CERT_FILE) and run the same command again"
        )
    if f"sha256:{hashlib.sha256(content).hexdigest()}" != wheel["hash"]:
        sys.exit(f"{wheel['url']} is not the file that uv.lock names: its SHA-256 differs")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/scripts/uv"))
        target.parent.mkdir(exist_ok=True)
        scratch = target.with_suffix(".part")
        scratch.write_bytes(archive.read(name))
    scratch.chmod(0o755)
    scratch.rename(target)


if __name__ == "__main__":
    main()
