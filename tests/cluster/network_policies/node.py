"""A node whose pods are network namespaces, with connections that a real agent admits or drops.

The node is a network namespace too, with an nftables ruleset of its own: this machine's network
stays as it is. There are no Services: clients connect to a pod's own port, which is what network
policies count.
"""

import contextlib
import ctypes
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Collection, Iterator
from pathlib import Path

NAME = "node"
# Ends a wait for connections that are not made.
_LONGEST_SECONDS = 60
# How long the others are watched after that. A SYN that was dropped is sent again after one second.
_WATCHED_SECONDS = 1.5
_CLONE_NEWNET = 0x40000000
_BACKLOG = 1000
_LIBC = ctypes.CDLL(None, use_errno=True)

Connection = tuple[str, str]
"""A pod's name, and the endpoint that it connects to, as "pod:port" or "pod:port/udp"."""


def why_not() -> str:
    """Return what this machine lacks to make a node and keep its policies; "" if nothing."""
    path = f"{os.environ['PATH']}:/usr/sbin"
    missing = [tool for tool in ("ip", "iptables") if shutil.which(tool, path=path) is None]
    if missing:
        return f"a node's network needs {', '.join(missing)}: iproute2, iptables"
    probe = f"bert-probe-{os.getpid()}"
    if subprocess.run(["ip", "netns", "add", probe], capture_output=True, check=False).returncode:
        return "a node's network needs root and network namespaces"
    _ip("netns", "del", probe)
    return ""


class Node:
    """`with Node() as node`: add pods, then try connections between them."""

    def __init__(self) -> None:
        self._space = f"bert-node-{os.getpid()}"
        self._spaces: dict[str, str] = {}
        self._servers: dict[str, socket.socket] = {}

    def __enter__(self) -> "Node":
        _ip("netns", "add", self._space)
        _ip("-n", self._space, "link", "set", "lo", "up")
        with _inside(self._space):
            Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
        return self

    def __exit__(self, *_: object) -> None:
        for server in self._servers.values():
            server.close()
        for space in (self._space, *self._spaces.values()):
            _ip("netns", "del", space)

    @property
    def enter(self) -> tuple[str, ...]:
        """What a command on the node begins with."""
        return ("ip", "netns", "exec", self._space)

    @property
    def endpoints(self) -> set[str]:
        """All ports that pods listen on."""
        return {*self._servers}

    def add_pod(self, name: str, *ports: str) -> str:
        """Add a pod that listens on ports, such as "8080" or "53/udp", and return its address."""
        number = len(self._spaces) + 1
        space, link = f"bert-pod-{number}-{os.getpid()}", f"pod{number}"
        gateway, address = f"10.78.{number}.1", f"10.78.{number}.2"
        _ip("netns", "add", space)
        self._spaces[name] = space
        ends = f"eth0 netns {space} type veth peer name {link} netns {self._space}"
        _ip("link", "add", *ends.split())
        for owner, device, own in ((self._space, link, gateway), (space, "eth0", address)):
            _ip("-n", owner, "addr", "add", f"{own}/30", "dev", device)
            _ip("-n", owner, "link", "set", device, "up")
        _ip("-n", space, "link", "set", "lo", "up")
        _ip("-n", space, "route", "add", "default", "via", gateway)
        with _inside(space):
            for port in ports:
                self._servers[f"{name}:{port}"] = _listen(address, port)
        return address

    def connect(
        self, connections: Collection[Connection], expected: Collection[Connection]
    ) -> set[Connection]:
        """Try connections all at once, and return those that were made.

        Args:
            connections: what to try.
            expected: those of them that are waited for, however slow the machine is.
        """
        with contextlib.ExitStack() as stack:
            clients = {one: stack.enter_context(self._connect(*one)) for one in connections}
            made: set[Connection] = set()
            for wanted, seconds in ((expected, _LONGEST_SECONDS), (connections, _WATCHED_SECONDS)):
                end = time.monotonic() + seconds
                while not made.issuperset(wanted) and time.monotonic() < end:
                    self._answer()
                    made.update(one for one, client in clients.items() if _is_made(client))
                    time.sleep(0.02)
            return made

    def _connect(self, pod: str, endpoint: str) -> socket.socket:
        server = self._servers[endpoint]
        with _inside(self._spaces[pod]):
            client = socket.socket(socket.AF_INET, server.type)
        client.setblocking(False)
        client.connect_ex(server.getsockname())
        return client

    def _answer(self) -> None:
        """Send each datagram back."""
        for server in self._servers.values():
            if server.type == socket.SOCK_DGRAM:
                with contextlib.suppress(BlockingIOError):
                    while True:
                        server.sendto(*server.recvfrom(16))


def _is_made(client: socket.socket) -> bool:
    try:
        if client.type == socket.SOCK_STREAM:
            client.getpeername()
        else:
            client.send(b"?")
            client.recv(16)
    except OSError:
        return False
    return True


def _listen(address: str, port: str) -> socket.socket:
    number, _, protocol = port.partition("/")
    if protocol != "udp":
        return socket.create_server((address, int(number)), backlog=_BACKLOG)
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, int(number)))
    server.setblocking(False)
    return server


@contextlib.contextmanager
def _inside(space: str) -> Iterator[None]:
    """Make sockets in a network namespace, to which they then belong."""
    with open("/proc/thread-self/ns/net") as own, open(f"/run/netns/{space}") as other:
        _set_namespace(other.fileno())
        try:
            yield
        finally:
            _set_namespace(own.fileno())


def _set_namespace(descriptor: int) -> None:
    # os.setns comes with Python 3.12.
    if _LIBC.setns(descriptor, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)
