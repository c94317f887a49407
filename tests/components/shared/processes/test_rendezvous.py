"""The server over which ranks find one another."""

import socket

import pytest

from components.shared.errors import InputError
from components.shared.processes.rendezvous import Rendezvous


def test_the_server_listens_on_its_address_alone():
    """Another address of the same machine doesn't reach it."""
    rendezvous = Rendezvous("127.0.0.1", 0, hosts="127.0.0.1:1", num_ranks=1)
    host, port = rendezvous.address
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
        Rendezvous("192.0.2.1", 0, hosts="a:1", num_ranks=1)
