"""Build the program that starts a Beam worker in a container: /opt/apache/beam/boot.

Dataflow, and a worker pool beside Flink's task managers, start this image by it. Beam gives
it in images of 1.5 GB only; here Go builds it, at the version of Beam in uv.lock, from the Go
module proxy (GOPROXY names another one). Go itself comes from there as well.
"""

import hashlib
import os
import subprocess
import tempfile
import tomllib
import urllib.request
import zipfile
from pathlib import Path

_GO = "v0.0.1-go1.26.8.linux-amd64"
_GO_SHA256 = "30c2b1bf7dcc88d3eb0a1364e47ddd9128edb3110a30e8a0ef61cd5856b31de7"
# Go's own list of proxies, as in "https://goproxy.example.com,direct": the first is asked for Go.
_PUBLIC_PROXY = "https://proxy.golang.org"
_PROXY = (os.environ.get("GOPROXY") or _PUBLIC_PROXY).split(",")[0].split("|")[0]
_PROGRAM = "github.com/apache/beam/sdks/v2/python/container"


def main() -> None:
    """Write ./boot."""
    lock = tomllib.loads(Path("images/preprocess/uv.lock").read_text(encoding="utf-8"))
    [version] = [one["version"] for one in lock["package"] if one["name"] == "apache-beam"]
    with tempfile.TemporaryDirectory() as folder:
        go = _fetch_go(Path(folder))
        environment = os.environ | {
            "CGO_ENABLED": "0",
            "GOBIN": folder,
            "GOCACHE": f"{folder}/cache",
            "GOFLAGS": "-modcacherw",
            "GOPATH": f"{folder}/path",
            "GOPROXY": os.environ.get("GOPROXY") or _PUBLIC_PROXY,
            "GOTOOLCHAIN": "local",
        }
        command = [str(go), "install", "-trimpath", "-ldflags=-s -w", f"{_PROGRAM}@v{version}"]
        subprocess.run(command, env=environment, check=True)
        Path("boot").write_bytes(Path(folder, "container").read_bytes())
        Path("boot").chmod(0o755)


def _fetch_go(folder: Path) -> Path:
    with urllib.request.urlopen(f"{_PROXY}/golang.org/toolchain/@v/{_GO}.zip") as answer:  # noqa: S310
        data = answer.read()
    if hashlib.sha256(data).hexdigest() != _GO_SHA256:
        raise SystemExit(f"{_PROXY}: Go's checksum is not that of {_GO}; try again")
    archive = folder / "go.zip"
    archive.write_bytes(data)
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(folder)
    root = folder / f"golang.org/toolchain@{_GO}"
    for program in (*root.glob("bin/*"), *root.glob("pkg/tool/*/*")):
        program.chmod(0o755)  # a zip file holds no modes
    return root / "bin" / "go"


if __name__ == "__main__":
    main()
