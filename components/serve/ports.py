"""Whether the server's ports are free, before a model is loaded for them."""

import socket

from components.shared.errors import InputError


def expect_free(name: str, port: int) -> None:
    """Take a port for a moment; 0 means that no port is wanted.

    Args:
        name: the setting's.
        port: its value.

    Raises:
        InputError: if it is in use, or this user may not listen on it.
    """
    if port == 0:
        return
    with socket.socket() as probe:
        # As servers do: the connections of one that has just ended don't count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError as error:
            reason = str(error.strerror).lower()
            flag = f"--{name.replace('_', '-')}"
            raise InputError(f"{name} {port}: {reason}; give another with {flag}") from None
