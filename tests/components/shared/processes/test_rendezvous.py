"""The server over which ranks find one another."""

import socket
from http.client import HTTPConnection
from urllib.parse import quote

import pytest

from components.shared.errors import InputError
from components.shared.processes.rendezvous import Address, Rendezvous


def test_the_server_listens_on_its_address_alone():
    """Another address of the same machine doesn't reach it."""
    rendezvous = Rendezvous(Address("127.0.0.1", 0), hosts="127.0.0.1:1", num_ranks=1)
    host, port = rendezvous.address.host, rendezvous.address.port
    try:
        socket.create_connection((host, port), timeout=5).close()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.2", port), timeout=5)
    finally:
        rendezvous.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, port), timeout=5)


def test_an_address_of_another_host_is_rejected():
    """The error names the variable that sets it."""
    with pytest.raises(InputError, match=r"can't listen on 192\.0\.2\.1:0.*RENDEZVOUS_ADDR"):
        Rendezvous(Address("192.0.2.1", 0), hosts="a:1", num_ranks=1)


@pytest.fixture
def server():
    rendezvous = Rendezvous(Address("127.0.0.1", 0, "a1b2"), hosts="127.0.0.1:1", num_ranks=1)
    yield rendezvous
    rendezvous.stop()


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD", "POST"])
@pytest.mark.parametrize(
    "path", ["/pulse/1", "/a1b2/pulse/1", "/a1b2:1/pulse/1", "//pulse/1", "/", "/%00/é", "*"]
)
def test_who_does_not_know_the_secret_is_turned_away(server, method, path):
    """Its heartbeat is not stored, and a rank's is not read."""
    told = server.address
    ask(told, "PUT", told.path("pulse", "1"), b"mine")

    status, answer = ask(told, method, quote(path, safe="/:*%"), b"{}")

    assert status == 403
    assert answer == b""
    assert ask(told, "GET", told.path("pulse", "1")) == (200, b"mine")


def test_an_address_is_told_to_ranks_and_read_again():
    """With and without a secret."""
    for address in (Address("10.0.0.1", 5, "a1b2"), Address("host-a", 5)):
        assert Address.read(address.variables()) == address
    assert Address.read({}) is None


def ask(address: Address, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    connection = HTTPConnection(address.host, address.port, timeout=30)
    try:
        connection.request(method, path, body=body)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()
