"""The page's server: one socket, one loop, in whatever thread calls `run`."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from dashboard.wire import PageProtocol

BACKLOG = 16
HEADER_BYTES = 8192
KEEP_ALIVE_S = 15
LEAVE_S = 1


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 is any free one. Raises OSError."""
    ((family, _, _, _, address), *_) = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


class Service(uvicorn.Server):
    """Serves an application on a socket until told to leave. Signals are not its affair."""

    def __init__(self, app: ASGIApp, listener: socket.socket, connections: int) -> None:
        protocol = type("PageProtocol", (PageProtocol,), {"most": connections})
        super().__init__(
            uvicorn.Config(
                app,
                http=protocol,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                h11_max_incomplete_event_size=HEADER_BYTES,
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=LEAVE_S,
            )
        )
        self._listener = listener

    def work(self) -> None:
        """Serve; blocks the calling thread until `leave`, and listens no more then."""
        with self._listener:
            asyncio.run(self.serve(sockets=[self._listener]))

    def leave(self) -> None:
        """Let `work` return soon. Any thread."""
        self.should_exit = True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the main loop."""
        yield
