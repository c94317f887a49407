"""Pods of an API server on a node. The kubelet's part is done: they run, and have addresses."""

from collections.abc import Collection, Mapping
from typing import Any

from tests.cluster.network_policies import node as nodes
from tests.cluster.network_policies.node import Node
from tests.cluster.server import Server

_ACCOUNT = "pods"
# What Pod Security "restricted" admits; what policies select is labels.
_SPEC = {
    "nodeName": nodes.NAME,
    "serviceAccountName": _ACCOUNT,
    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    "containers": [
        {
            "name": "main",
            "image": "none",
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
            },
        }
    ],
}


class Pods:
    """Names are "namespace/pod", endpoints "namespace/pod:port" or "…:port/udp"."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._pods: list[dict[str, Any]] = []

    @property
    def names(self) -> set[str]:
        """All of them."""
        return {"{namespace}/{name}".format(**pod["metadata"]) for pod in self._pods}

    def add(self, name: str, labels: Mapping[str, str], *ports: str) -> None:
        """Add a pod that listens on ports; `create` makes it known."""
        address = self._node.add_pod(name, *ports)
        namespace, _, name = name.partition("/")
        self._pods.append(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": name, "namespace": namespace, "labels": dict(labels)},
                "spec": _SPEC,
                "status": {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}]},
            }
        )

    def create(self, cluster: Server) -> None:
        """Have the API server know them, running."""
        accounts = [
            {
                "apiVersion": "v1",
                "kind": "ServiceAccount",
                "metadata": {"name": _ACCOUNT, "namespace": namespace},
            }
            for namespace in sorted({pod["metadata"]["namespace"] for pod in self._pods})
        ]
        cluster.create([*accounts, *self._pods])
        items = {"apiVersion": "v1", "kind": "List", "items": self._pods}
        cluster.kubectl("replace", "--subresource=status", "-f-", stdin=items)

    def reach(self, pod: str, among: Collection[str], expected: Collection[str]) -> set[str]:
        """Return the endpoints that a pod reaches.

        Args:
            pod: the client.
            among: the endpoints that it tries.
            expected: those that are waited for.
        """
        made = self._node.connect({(pod, one) for one in among}, {(pod, one) for one in expected})
        return {endpoint for _, endpoint in made}

    def find_clients(self, endpoint: str, expected: Collection[str]) -> set[str]:
        """Return the pods that reach an endpoint, of all but its own; `expected` are waited for."""
        others = self.names - {endpoint.partition(":")[0]}
        made = self._node.connect(
            {(one, endpoint) for one in others}, {(one, endpoint) for one in expected}
        )
        return {pod for pod, _ in made}
