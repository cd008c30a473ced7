"""A tiny WebSocket server on loopback that speaks as much OpenAlgo as a test asks for."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from tests.broker.http_server import in_background
from tests.waiting import until


class Peer:
    """The server's end of one connection."""

    def __init__(self, connection: ServerConnection) -> None:
        self.connection = connection
        self.path = connection.request.path if connection.request else ""
        self.heard: list[Any] = []
        self.is_gone = threading.Event()

    @property
    def actions(self) -> list[str]:
        return [frame["action"] for frame in self.heard]

    def send(self, *frames: Any) -> None:
        for frame in frames:
            self.connection.send(frame if isinstance(frame, str) else json.dumps(frame))


Answering = Callable[[Peer, Any], None]


def openalgo(peer: Peer, frame: Any) -> None:
    """Answer as OpenAlgo does when all is well."""
    match frame["action"]:
        case "authenticate":
            peer.send({"type": "auth", "status": "success"})
        case "subscribe":
            rows = [dict(row, status="success") for row in frame["symbols"]]
            peer.send({"type": "subscribe", "status": "success", "subscriptions": rows})
        case "ping":
            peer.send({"type": "pong", "status": "success", "_pingId": frame["_pingId"]})
        case action:
            peer.send({"type": action, "status": "success"})


class WsServer:
    """Keeps every peer that ever connected."""

    def __init__(self, answering: Answering) -> None:
        self.answering = answering
        self.peers: list[Peer] = []
        self._server = serve(self._talk, "127.0.0.1", 0, compression=None, ping_interval=None)
        self.port = int(self._server.socket.getsockname()[1])
        self.url = f"ws://127.0.0.1:{self.port}"
        self._thread = in_background(self._server.serve_forever)

    def peer(self, number: int = 0) -> Peer:
        """Wait for the n-th connection and return it."""
        until(lambda: len(self.peers) > number, 10)
        return self.peers[number]

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        for peer in self.peers:
            assert peer.is_gone.wait(10)

    def _talk(self, connection: ServerConnection) -> None:
        peer = Peer(connection)
        self.peers.append(peer)
        with suppress(ConnectionClosed):
            for raw in connection:
                frame = json.loads(raw)
                peer.heard.append(frame)
                self.answering(peer, frame)
        peer.is_gone.set()


@contextmanager
def streaming(answering: Answering = openalgo) -> Iterator[WsServer]:
    """Run a server for the length of a with block."""
    server = WsServer(answering)
    server.start()
    try:
        yield server
    finally:
        server.stop()
