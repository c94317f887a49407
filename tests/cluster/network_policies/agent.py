"""kube-network-policies, which enforces the network policies of an API server on a node."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from tests.cluster.network_policies import node
from tests.cluster.programs import find_program
from tests.cluster.server import TOKEN, Server, running_program

# Where a pod finds its token: the agent looks nowhere else. `ip netns exec` has given the command
# mounts of its own, so that this machine's /run stays as it is.
_ACCOUNT = "/run/secrets/kubernetes.io/serviceaccount"
# The agent judges the first packet of each connection, which netfilter queues for it. Its own rules
# for that need a kernel with CONFIG_NFT_QUEUE; iptables' rule works on others too.
_QUEUE = 100
_START = f"""
mount -t tmpfs none /run
mkdir -p {_ACCOUNT}
cp "$1" {_ACCOUNT}/ca.crt
printf {TOKEN} > {_ACCOUNT}/token
shift
iptables -t mangle -A FORWARD -m conntrack --ctstate NEW -j NFQUEUE --queue-num {_QUEUE}
exec env "$@"
"""


@contextlib.contextmanager
def running_agent(cluster: Server) -> Iterator[Path]:
    """Enforce the policies between a node's pods; return the agent's log."""
    log = cluster.folder / "kube-network-policies.log"
    address = urlsplit(cluster.address)
    command = [
        *(*cluster.enter, "sh", "-e", "-c", _START, "-", str(cluster.folder / "apiserver.crt")),
        f"KUBERNETES_SERVICE_HOST={address.hostname}",
        f"KUBERNETES_SERVICE_PORT={address.port}",
        str(find_program("kube-network-policies")),
        *(f"--hostname-override={node.NAME}", f"--nfqueue-id={_QUEUE}"),
    ]
    with running_program(command, log):
        yield log
