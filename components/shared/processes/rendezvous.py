"""The server over which Horovod's ranks find one another, and which carries their heartbeats.

Horovod's own `RendezvousServer` listens on every address of the host; this one listens on the
address that its ranks use, which on one machine is the loopback address.
"""

import threading

from components.shared.errors import InputError


class Rendezvous:
    """Horovod's key-value server in a thread. It stores bytes, and unpickles nothing."""

    def __init__(self, host: str, port: int, *, hosts: str, num_ranks: int) -> None:
        """Start it.

        Args:
            host: name or address, of this host, to listen on.
            port: to listen on; 0 for a free one.
            hosts: the hosts and the number of ranks on each, as `a:2,b:2`.
            num_ranks: on all hosts together.

        Raises:
            InputError: if it can't listen there.
        """
        from horovod.runner.common.util.hosts import get_host_assignments, parse_hosts
        from horovod.runner.http.http_server import RendezvousHandler, RendezvousHTTPServer

        try:
            self._server = RendezvousHTTPServer((host, port), RendezvousHandler, verbose=0)
        except OSError as error:
            raise InputError(
                f"rank 0 can't listen on {host}:{port}: {error.strerror or error}; "
                "HOROVOD_GLOO_RENDEZVOUS_ADDR must be an address of rank 0's own host"
            ) from None
        self._server.init(get_host_assignments(parse_hosts(hosts), num_ranks))
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="rendezvous", daemon=True
        )
        self._thread.start()

    @property
    def address(self) -> tuple[str, int]:
        """The address and port that the server listens on."""
        host, port = self._server.server_address[:2]
        return str(host), port

    def stop(self) -> None:
        """Stop listening, and free the port."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
