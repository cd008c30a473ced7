"""A page that is really served, for tests: its board, its levers and how to ask it."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from typing import Any

import msgspec

from dashboard.access import Access
from dashboard.app import View, app
from dashboard.board import Board
from dashboard.pulling import Outcome, Pulled
from dashboard.service import Service, listen
from domain.levers import Lever

CONTROL = "control-" + "c" * 32
READ = "read-" + "r" * 32
PATIENCE_S = 20.0
"""Real seconds; a loaded machine gets more time, never less."""


@dataclass
class Recorder:
    """Levers that only remember, and say what they are told to; `hold` lets a pull wait."""

    said: Pulled = field(default_factory=lambda: Pulled(outcome=Outcome.DONE, text="FREEZE is up"))
    pulled: list[tuple[Lever, str]] = field(default_factory=list)
    hold: threading.Event | None = None

    def pull(self, lever: Lever, latch: str) -> Pulled:
        self.pulled.append((lever, latch))
        if self.hold is not None:
            assert self.hold.wait(PATIENCE_S)
        return self.said


@dataclass(frozen=True)
class Answered:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def said(self) -> dict[str, Any]:
        found: dict[str, Any] = msgspec.json.decode(self.body)
        return found


@dataclass(frozen=True)
class Site:
    """A page on a port of its own."""

    port: int
    board: Board
    levers: Recorder

    def ask(
        self, path: str, method: str = "GET", body: bytes | None = None, **headers: str
    ) -> Answered:
        """Ask once; `content_type="..."` becomes the header Content-Type."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, named)
            answer = connection.getresponse()
            told = {key.lower(): value for key, value in answer.getheaders()}
            return Answered(answer.status, told, answer.read())
        finally:
            connection.close()

    def pull(self, lever: str, body: bytes | None = None, **headers: str) -> Answered:
        """Pull a lever with the control token, unless another one is given."""
        headers = {"authorization": f"Bearer {CONTROL}", **headers}
        return self.ask(f"/levers/{lever}", "POST", body, **headers)

    def wire(self) -> socket.socket:
        """Open a bare connection."""
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE_S)


@contextmanager
def served(
    access: Access | None = None, connections: int = 32, per_s: int = 1000
) -> Iterator[Site]:
    """Serve a page while the block runs."""
    listener = listen("127.0.0.1", 0)
    board, levers = Board(), Recorder()
    view = View(
        board=board,
        levers=levers,
        access=access or Access(control=CONTROL, read=READ),
        version="0.1.0",
        requests_per_s=per_s,
    )
    port = listener.getsockname()[1]
    service = Service(app(view), listener, connections)
    thread = threading.Thread(target=service.work, daemon=True)  # noqa: TID251 - as cli/page.py
    thread.start()
    try:
        yield Site(port, board, levers)
    finally:
        if levers.hold is not None:
            levers.hold.set()
        service.leave()
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
