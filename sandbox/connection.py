"""One WebSocket of the server: what arrives goes to its session, what waits goes out.

The pure part is `stream.StreamSession`; here is the socket, its patience, and what a fault does
to it. Runs in the server's loop.
"""

import asyncio
import logging
import socket
import struct
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from domain import clock
from domain.units import Micros, Symbol
from sandbox.faults.wire import Wire
from sandbox.floor import Floor
from sandbox.kinds import Out
from sandbox.outbox import Outbox
from sandbox.stream import StreamSession

log = logging.getLogger(__name__)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

PROTOCOL = "sutradhar.protocol"
GRACE_STEP_S = 0.25
BURST = 100
ABNORMAL = 1006
"""No frame says this one: the socket is simply gone."""


RESET_ON_CLOSE = struct.pack("ii", 1, 0)


def reset(transport: asyncio.Transport) -> None:
    """Drop a connection with a TCP reset."""
    sock = transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    transport.abort()


class StreamProtocol(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket, with the levers of a fault."""

    is_deaf = False
    is_hung = False

    def data_received(self, data: bytes) -> None:
        if not self.is_hung:
            super().data_received(data)

    def handle_ping(self) -> None:
        if self.is_deaf:
            self.conn.data_to_send()
        else:
            super().handle_ping()

    def vanish(self) -> None:
        """Drop the connection without a word."""
        self.transport.abort()

    def reset(self) -> None:
        """Drop the connection with a TCP reset."""
        reset(self.transport)

    def hang(self) -> None:
        """Take and give nothing any more; the client's kernel sees a healthy connection."""
        self.is_hung = True
        self.stop_keepalive()

    def say(self, text: bytes) -> None:
        """Send a text frame whose bytes need not be text."""
        self.conn.send_text(text)
        self.transport.write(b"".join(self.conn.data_to_send()))

    async def run_asgi(self) -> None:
        self.scope["extensions"][PROTOCOL] = {PROTOCOL: self}
        await super().run_asgi()


class RestProtocol(H11Protocol):
    """uvicorn's HTTP, whose connections an answer may end."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        serve = self.app

        async def served(scope: Any, receive: Any, send: Any) -> None:
            scope.setdefault("extensions", {})[PROTOCOL] = {PROTOCOL: self}
            await serve(scope, receive, send)

        self.app = served


async def cut(scope: Message, receive: Receive) -> None:
    """End an HTTP connection with a TCP reset, without a word; in the server's loop."""
    reset(scope["extensions"][PROTOCOL][PROTOCOL].transport)
    while (await receive())["type"] != "http.disconnect":
        pass


class Connection:
    """A client on the floor. What it is sent by itself comes over `wire`, which may be faulty."""

    def __init__(
        self, session: StreamSession, floor: Floor, protocol: StreamProtocol, wire: Wire
    ) -> None:
        self.session = session
        self.outbox = Outbox()
        self._wire = wire
        self._floor = floor
        self._protocol = protocol
        self._wake = asyncio.Event()
        self._send: Send | None = None
        self._ending: asyncio.Task[None] | None = None

    @property
    def symbols(self) -> set[Symbol]:
        return self.session.symbols

    def take(self, out: Out) -> None:
        if not self._protocol.is_hung:
            self._wire.put(out)

    def flush(self, at: Micros) -> None:
        for delivery in self._wire.take(at):
            self._put(delivery.frame, delivery.symbol)

    def deafen(self, *, deaf: bool) -> None:
        """Stop answering pings, or answer them again."""
        self._protocol.is_deaf = deaf

    def reset(self) -> None:
        """End with a TCP reset."""
        self._protocol.reset()

    def hang(self) -> None:
        """Take and give nothing any more."""
        self._protocol.hang()

    async def serve(self, receive: Receive, send: Send) -> None:
        """Serve the client until it leaves or is closed."""
        self._send = send
        tasks = [asyncio.create_task(self._write()), asyncio.create_task(self._grace())]
        self._floor.join(self)
        try:
            await self._read(receive)
        finally:
            self._floor.leave(self)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def end(self, code: int, reason: str) -> None:
        """Close the socket soon, without waiting for it."""
        self._ending = asyncio.ensure_future(self.close(code, reason))

    async def close(self, code: int, reason: str) -> None:
        """Close the socket with a code; 1006 drops it without a word."""
        if self._protocol.is_hung:
            return
        if code == ABNORMAL:
            self._protocol.vanish()
        elif self._send is not None:
            with suppress(OSError):
                await self._send({"type": "websocket.close", "code": code, "reason": reason})

    async def _read(self, receive: Receive) -> None:
        while (message := await receive())["type"] == "websocket.receive":
            raw = message.get("text")
            self._hear(message["bytes"] if raw is None else raw)

    def _hear(self, raw: bytes | str) -> None:
        held = self.session.symbols
        for frame in self.session.receive(self._floor.step(), raw):
            if not self._protocol.is_deaf:
                self._put(frame)
        if self.session.symbols != held:
            self._floor.rewatch()
        if self.session.has_subscribed:
            self._floor.first_subscriber()

    def _put(self, frame: bytes, symbol: Symbol | None = None) -> None:
        self.outbox.put(frame, symbol)
        self._wake.set()

    async def _write(self) -> None:
        """Send what waits; only this task waits for a slow socket."""
        with suppress(OSError):
            while self._send is not None:
                await self._wake.wait()
                self._wake.clear()
                for number, frame in enumerate(self.outbox.take(), 1):
                    if self._protocol.transport.is_closing() or self._protocol.is_hung:
                        return
                    await self._say(frame)
                    if number % BURST == 0:
                        # A socket that takes everything would keep the loop from all others.
                        await asyncio.sleep(0)  # noqa: TID251 - yields, waits for nothing

    async def _say(self, frame: bytes) -> None:
        try:
            text = frame.decode()
        except UnicodeDecodeError:
            self._protocol.say(frame)
        else:
            if self._send is not None:
                await self._send({"type": "websocket.send", "text": text})

    async def _grace(self) -> None:
        while not self.session.is_authenticated:
            if closing := self.session.closing(clock.steady()):
                await self.close(*closing)
                return
            await asyncio.sleep(GRACE_STEP_S)  # noqa: TID251 - the sandbox server may
