"""Ports are taken before anything starts, so that a taken one ends the start and nothing else."""

import socket

from domain.errors import ConfigError

BACKLOG = 128


def bound(host: str, port: int, what: str) -> socket.socket:
    """Return a listening socket; port 0 takes any free one.

    Made with IPPROTO_TCP, so that asyncio switches Nagle's algorithm off on what it accepts.
    Raises ConfigError naming `what`, host and port if it cannot be had.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"{what} port {port} on {host} cannot be used ({error.strerror or error}); "
            "end what listens there or choose another port, 0 for any free one"
        ) from error
    listener.setblocking(False)
    return listener


def port_of(listener: socket.socket) -> int:
    """Return the port a socket listens on."""
    port: int = listener.getsockname()[1]
    return port


def address_of(listener: socket.socket) -> str:
    """Return HOST:PORT as a client on this machine reaches it."""
    host, port = listener.getsockname()[:2]
    return f"{'127.0.0.1' if host == '0.0.0.0' else host}:{port}"  # noqa: S104 - compared, not bound
