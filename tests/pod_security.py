"""The rules of Pod Security "restricted", as the API server's admission has them."""

from collections.abc import Iterator
from typing import Any

_VOLUMES = {
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim",
    "projected", "secret",
}  # fmt: skip
_SECCOMP = ("RuntimeDefault", "Localhost")
_HOST_FIELDS = ("hostNetwork", "hostPID", "hostIPC")


def find_violations(pod: dict[str, Any]) -> list[str]:
    """What "restricted" forbids of a pod's spec; nothing for one that it admits."""
    return list(_violations(pod))


def _violations(pod: dict[str, Any]) -> Iterator[str]:
    whole = pod.get("securityContext", {})
    yield from (f"{field} is set" for field in _HOST_FIELDS if pod.get(field))
    for volume in pod.get("volumes", []):
        if kinds := volume.keys() - {"name"} - _VOLUMES:
            yield f"volume {volume['name']} is a {', '.join(sorted(kinds))}"
    for container in [*pod.get("initContainers", []), *pod["containers"]]:
        own, name = container.get("securityContext", {}), container["name"]
        if own.get("privileged"):
            yield f"container {name} is privileged"
        if own.get("allowPrivilegeEscalation") is not False:
            yield f"container {name} must set allowPrivilegeEscalation=false"
        capabilities = own.get("capabilities", {})
        if "ALL" not in capabilities.get("drop", []):
            yield f'container {name} must set capabilities.drop=["ALL"]'
        if set(capabilities.get("add", [])) - {"NET_BIND_SERVICE"}:
            yield f"container {name} adds capabilities"
        if own.get("runAsNonRoot", whole.get("runAsNonRoot")) is not True:
            yield f"container {name} must set runAsNonRoot=true"
        if own.get("runAsUser", whole.get("runAsUser")) == 0:
            yield f"container {name} must not set runAsUser=0"
        if own.get("seccompProfile", whole.get("seccompProfile", {})).get("type") not in _SECCOMP:
            yield f"container {name} must set seccompProfile.type"
        if any("hostPort" in port for port in container.get("ports", [])):
            yield f"container {name} has a hostPort"
