"""Programs that these tests start, built with Go from the modules that go.mod files name.

`python -m tests.cluster.programs` builds them into the user's cache.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

_SERVER = Path(__file__).parent
# The agent's libraries are of other versions than the API server's.
_AGENT = _SERVER / "network_policies"
_PROGRAMS = {
    "kube-apiserver": (_SERVER, "k8s.io/kubernetes/cmd/kube-apiserver"),
    "etcd": (_SERVER, "go.etcd.io/etcd/server/v3"),
    "kube-network-policies": (_AGENT, "sigs.k8s.io/kube-network-policies/cmd"),
}
_KUBERNETES = "1.34.4"
# Kubernetes's own build sets its version; without it, `kubectl version` cannot parse the server's.
_VERSION = "k8s.io/component-base/version"
_LINKER_FLAGS = (
    f"-s -w -X {_VERSION}.gitVersion=v{_KUBERNETES} "
    f"-X {_VERSION}.gitMajor=1 -X {_VERSION}.gitMinor=34"
)


def find_program(name: str) -> Path:
    """Return where a program is built, in a folder of its own for each version of its module."""
    module, _ = _PROGRAMS[name]
    key = hashlib.sha256(_LINKER_FLAGS.encode())
    for file in ("go.mod", "go.sum"):
        key.update((module / file).read_bytes())
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "kubeflow-bert" / f"cluster-{key.hexdigest()[:12]}" / name


def why_not(*names: str) -> str:
    """Return what must be done before programs are there; "" if they are."""
    missing = [name for name in names if not find_program(name).exists()]
    return f"not built: {', '.join(missing)}; `make test-cluster` builds it" if missing else ""


def build_missing(go: str) -> None:
    """Build what is not there: minutes if Go's own cache is empty, seconds if not."""
    for name, (module, package) in _PROGRAMS.items():
        if why_not(name):
            command = [go, "build", "-trimpath", "-ldflags", _LINKER_FLAGS]
            command += ["-o", str(find_program(name)), package]
            subprocess.run(command, cwd=module, check=True)


def find_go() -> str | None:
    """Return the path of the go command, on PATH or where Go's own installer puts it."""
    return shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")


if __name__ == "__main__":
    if why_not(*_PROGRAMS):
        if (found := find_go()) is None:
            sys.exit("no go command: it builds the API server; install Go 1.24 or later")
        build_missing(found)
