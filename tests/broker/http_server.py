"""A tiny HTTP server on loopback for tests: real sockets, written answers, one thread a connection.

It stands in for OpenAlgo's transport only: closing each connection, keeping it, dying half way.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any, NamedTuple


def in_background(work: Callable[..., object], *args: object) -> threading.Thread:  # noqa: TID251 - a type
    """Return a thread of the test, not started."""
    return threading.Thread(target=work, args=args)  # noqa: TID251 - a server of the test


class Request(NamedTuple):
    """What arrived, and from which client port."""

    route: str
    body: Any
    port: int
    headers: Mapping[str, str] = MappingProxyType({})


class Reply(NamedTuple):
    """What is answered.

    Without `keep` the connection is closed and the answer says so, with `drop` it is closed without
    a word; `cut` promises more bytes than it sends.
    """

    body: Any = None
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    keep: bool = True
    cut: bool = False
    drop: bool = False


Answering = Callable[[Request], Reply | None]


class HttpServer:
    """Collects requests; answers each with `answering`, where None hangs up without a word."""

    def __init__(self, answering: Answering, port: int = 0) -> None:
        self.answering = answering
        self.requests: list[Request] = []
        self._server = _Counting(("127.0.0.1", port), _make(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = in_background(self._server.serve_forever, 0.01)

    @property
    def closed(self) -> int:
        """How many connections were closed by this side."""
        return self._server.closed

    @property
    def routes(self) -> list[str]:
        return [request.route for request in self.requests]

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def serving(answering: Answering, port: int = 0) -> Iterator[HttpServer]:
    """Run a server for the length of a with block."""
    server = HttpServer(answering, port)
    server.start()
    try:
        yield server
    finally:
        server.stop()


class _Counting(ThreadingHTTPServer):
    closed = 0

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        self.closed += 1


def _make(server: HttpServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            route = self.path.removeprefix("/api/v1/")
            headers = dict(self.headers)
            request = Request(route, json.loads(raw), self.client_address[1], headers)
            server.requests.append(request)
            reply = server.answering(request)
            if reply is None:
                self.close_connection = True
                return
            self._say(reply)

        def _say(self, reply: Reply) -> None:
            said = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            self.send_response_only(reply.status)
            for name, value in reply.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(said) + 10 * reply.cut))
            if not reply.keep or reply.cut:
                self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(said)
            self.close_connection |= reply.drop

        def log_message(self, *args: Any) -> None:
            pass

    return Handler
