"""A real kube-apiserver and etcd on loopback.

There is no kubelet, scheduler or controller manager: pods never run, accounts named "default" and
aggregated roles are missing, and a deleted namespace stays until `Server.delete` removes it.
"""

import contextlib
import json
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.programs import find_program
from tests.kustomize import KUBECTL

TOKEN = "admin"
_READY_SECONDS = 120


def identify(resource: dict[str, Any]) -> tuple[str, str, str]:
    """Return a resource's kind, namespace and name."""
    metadata = resource["metadata"]
    return resource["kind"], metadata.get("namespace", ""), metadata["name"]


class Server:
    """A running API server, as its administrator sees it."""

    def __init__(self, folder: Path, address: str, enter: Sequence[str] = ()) -> None:
        self.folder, self.address, self.enter = folder, address, enter
        kubeconfig = folder / "kubeconfig"
        options = (f"--kubeconfig={kubeconfig}", f"--cache-dir={folder / 'cache'}")
        self._kubectl = (*enter, str(KUBECTL), *options)
        cluster = {"server": address, "certificate-authority": str(folder / "apiserver.crt")}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": "admin", "user": {"token": TOKEN}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}],
            "current-context": "test",
        }
        kubeconfig.write_text(json.dumps(config))

    def kubectl(self, *arguments: str | Path, stdin: Any = None, check: bool = True) -> str:
        """Run kubectl and return its output; with `stdin`, a resource or several as JSON."""
        command = [*self._kubectl, *map(str, arguments)]
        text = None if stdin is None else json.dumps(stdin)
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        if check:
            assert done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout

    def get(self, *arguments: str) -> dict[str, Any]:
        """Return a resource."""
        return json.loads(self.kubectl("get", *arguments, "-ojson"))

    def patch(self, file: Path, *arguments: str) -> dict[str, Any]:
        """Merge a file into a resource and return the result."""
        command = ("patch", *arguments, "--type=merge", "--patch-file", file, "-ojson")
        return json.loads(self.kubectl(*command))

    def create(self, resources: Sequence[dict[str, Any]], *options: str) -> list[dict[str, Any]]:
        """Create resources and return what the server made of them."""
        items = {"apiVersion": "v1", "kind": "List", "items": list(resources)}
        output = self.kubectl("create", "-f-", "-oyaml", *options, stdin=items)
        return list(yaml.load_all(output, Loader=yaml.CSafeLoader))

    @contextlib.contextmanager
    def applied(self, overlay: Path) -> Iterator[None]:
        """Apply an overlay and delete it afterwards."""
        self.kubectl("apply", "-k", overlay)
        try:
            yield
        finally:
            self.delete(overlay)

    def delete(self, overlay: Path, *options: str) -> None:
        """Delete an overlay, and do a controller manager's part: remove its empty namespace."""
        self.kubectl("delete", "-k", overlay, "--wait=false", *options)
        for key, resource in self.list_objects().items():
            if key[0] == "Namespace" and "deletionTimestamp" in resource["metadata"]:
                path = f"/api/v1/namespaces/{key[2]}/finalize"
                body = resource | {"spec": {"finalizers": []}}
                self.kubectl("replace", "--raw", path, "-f-", stdin=body)

    def list_objects(self) -> dict[tuple[str, str, str], dict[str, Any]]:
        """Return every object of the cluster, as `identify` names it."""
        kinds = self.kubectl("api-resources", "--verbs=list", "-oname").split()
        # The server itself renews its lease, records events and notes the addresses of Services.
        skipped = ("leases.coordination.k8s.io", "events", "events.events.k8s.io")
        skipped += ("ipaddresses.networking.k8s.io", "componentstatuses")
        kinds = [kind for kind in kinds if kind not in skipped]
        output = self.kubectl("get", ",".join(kinds), "--all-namespaces", "-ojson")
        return {identify(resource): resource for resource in json.loads(output)["items"]}


@contextlib.contextmanager
def running_server(folder: Path, enter: Sequence[str] = ()) -> Iterator[Server]:
    """Start etcd and the API server; end both afterwards.

    Args:
        folder: for their files.
        enter: what each command begins with, to run elsewhere than in this machine's network.
    """
    client, peer, port = _free_ports(3)
    store, address = f"http://127.0.0.1:{client}", f"https://127.0.0.1:{port}"
    (folder / "tokens.csv").write_text(f"{TOKEN},admin,1,system:masters\n")
    etcd = [
        str(find_program("etcd")),
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={store}",
        f"--advertise-client-urls={store}",
        f"--listen-peer-urls=http://127.0.0.1:{peer}",
        "--unsafe-no-fsync",
    ]
    # The server makes its certificate and key at its start, and signs tokens with that key.
    key = folder / "apiserver.key"
    server = [
        str(find_program("kube-apiserver")),
        f"--etcd-servers={store}",
        "--bind-address=127.0.0.1",
        f"--secure-port={port}",
        # Nobody connects to it; by default the server looks for a route to the world.
        "--advertise-address=192.0.2.1",
        f"--cert-dir={folder}",
        f"--token-auth-file={folder / 'tokens.csv'}",
        "--authorization-mode=RBAC",
        f"--service-account-issuer={address}",
        f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
        "--service-cluster-ip-range=10.96.0.0/16",
    ]
    with contextlib.ExitStack() as stack:
        for name, command in (("etcd", etcd), ("kube-apiserver", server)):
            stack.enter_context(running_program([*enter, *command], folder / f"{name}.log"))
        running = Server(folder, address, enter)
        _wait_until_ready(running, folder / "kube-apiserver.log")
        yield running


@contextlib.contextmanager
def running_program(command: Sequence[str], log_file: Path) -> Iterator[None]:
    """Run a program in the background, with its output in a file."""
    with log_file.open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _wait_until_ready(server: Server, log: Path) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while server.kubectl("get", "--raw", "/readyz", check=False) != "ok":
        assert time.monotonic() < deadline, f"not ready:\n{log.read_text()[-3000:]}"
        time.sleep(0.2)


def _free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on, all different."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
