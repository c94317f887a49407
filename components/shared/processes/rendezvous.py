"""The server over which Horovod's ranks find one another, and which carries their heartbeats.

Horovod's own `RendezvousServer` listens on every address of the host and answers anybody; this one
listens on the address that its ranks use, which on one machine is the loopback address, and
answers who knows the job's secret.
"""

import hmac
import threading
from collections.abc import Mapping
from dataclasses import dataclass

from components.shared.errors import InputError

HOST_VARIABLE, PORT_VARIABLE = "HOROVOD_GLOO_RENDEZVOUS_ADDR", "HOROVOD_GLOO_RENDEZVOUS_PORT"
_FORBIDDEN = 403


@dataclass(frozen=True)
class Address:
    """Where a server listens, and the secret that it wants; none of horovodrun's own server."""

    host: str
    port: int
    secret: str = ""

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Address | None":
        """Return the address in the variables of a rank; None without them."""
        host, port = environment.get(HOST_VARIABLE), environment.get(PORT_VARIABLE)
        if not host or not port:
            return None
        name, _, rest = host.partition(":")
        return cls(name, int(port), rest.partition("/")[2])

    def variables(self) -> dict[str, str]:
        """Return the variables from which a rank's Horovod makes its requests.

        Its client in C++ (horovod/common/gloo/http_store.h) sends no header of ours. It asks for
        `http://ADDR:PORT/scope/key`: with a port and the secret in ADDR, ADDR's port counts, and
        `secret:PORT` becomes the first part of the path.
        """
        host = f"{self.host}:{self.port}/{self.secret}" if self.secret else self.host
        return {HOST_VARIABLE: host, PORT_VARIABLE: str(self.port)}

    def path(self, scope: str, key: str) -> str:
        """Return the path of a value, as Horovod's client would ask for it."""
        first = f"/{self.secret}:{self.port}" if self.secret else ""
        return f"{first}/{scope}/{key}"


class Rendezvous:
    """Horovod's key-value server in a thread. It stores bytes, and unpickles nothing."""

    def __init__(self, address: Address, *, hosts: str, num_ranks: int) -> None:
        """Start it.

        Args:
            address: to listen on, name or number of this host; port 0 for a free one.
            hosts: the hosts and the number of ranks on each, as `a:2,b:2`.
            num_ranks: on all hosts together.

        Raises:
            InputError: if it can't listen there.
        """
        from horovod.runner.common.util.hosts import get_host_assignments, parse_hosts
        from horovod.runner.http.http_server import RendezvousHandler, RendezvousHTTPServer

        class Handler(RendezvousHandler):
            path: str

            def parse_request(self) -> bool:
                """Reject a request without the secret; pass it on as Horovod's own."""
                if not super().parse_request():
                    return False
                if address.secret:
                    first, _, rest = self.path.removeprefix("/").partition("/")
                    expected = f"{address.secret}:{self.server.server_address[1]}"
                    if not hmac.compare_digest(first.encode(), expected.encode()):
                        self.send_status_code(_FORBIDDEN)
                        return False
                    self.path = f"/{rest}"
                return True

        try:
            self._server = RendezvousHTTPServer((address.host, address.port), Handler, verbose=0)
        except OSError as error:
            raise InputError(
                f"rank 0 can't listen on {address.host}:{address.port}: "
                f"{error.strerror or error}; {HOST_VARIABLE} must be an address of rank 0's own "
                "host"
            ) from None
        self._server.init(get_host_assignments(parse_hosts(hosts), num_ranks))
        host, port = self._server.server_address[:2]
        self.address = Address(str(host), port, address.secret)
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="rendezvous", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop listening, and free the port."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
