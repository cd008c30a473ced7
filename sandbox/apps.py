"""The two public faces of the server as ASGI applications: REST and the stream.

Runs in the server's loop. Times on the wire are the market's, the HTTP date included, because a
client measures its clock against it.
"""

import asyncio
import json
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from domain import clock
from domain.units import SECOND, Micros
from sandbox.api.answers import JSON, Answer, Refused, refusal
from sandbox.api.desk import BROKER, Desk
from sandbox.api.front import Call
from sandbox.connection import PROTOCOL, Connection, cut
from sandbox.floor import Floor
from sandbox.frames import Frames
from sandbox.interference import Door, Interference
from sandbox.stream import StreamSession

PACE_S = 0.005
"""How often the market catches up with the clock, in real seconds."""

Discovery = Callable[[], dict[str, Any]]


class Rest:
    """Every path of the REST port but the discovery document, with every method."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; in the server's loop."""
        request = Request(scope, receive)
        answer = await self._answer(request, await request.body())
        if answer.is_cut:
            await cut(scope, receive)
            return
        response = Response(answer.body, answer.status, media_type=answer.content_type)
        if answer.retry_after_s:
            response.headers["retry-after"] = str(answer.retry_after_s)
        response.headers["date"] = formatdate(self._now() / SECOND, usegmt=True)
        await response(scope, receive, send)

    def _now(self) -> int:
        """Return the market instant by the server's own clock."""
        return self._floor.hands.now() + sum(self._floor.exchange.skews.values())

    async def _answer(self, request: Request, body: bytes) -> Answer:
        floor = self._floor
        floor.called_at = clock.steady()
        at = floor.step()
        peer = request.client.host if request.client else ""
        content_type = request.headers.get("content-type", "")
        call = floor.api.call(at, request.method, request.url.path, body, content_type, peer)
        await self._reach(call, at)
        if call.wants is not None and floor.archive is not None:
            try:
                await floor.archive.fetch(call.wants)
            except Refused as refused:
                return refusal(refused, {})
        return call.answer()

    async def _reach(self, call: Call, at: Micros) -> None:
        """Wait until the exchange has come as far; a latency is slept in market time."""
        floor = self._floor
        while at < call.ready_at:
            is_standing = floor.hands.anchor.paused
            span_s = floor.hands.anchor.real_span_s(call.ready_at - at)
            pause_s = PACE_S if is_standing and not call.is_read else span_s
            await asyncio.sleep(pause_s)  # noqa: TID251 - the sandbox server may
            at = floor.step()
            if is_standing and call.is_read:
                return


class Stream:
    """The WebSocket port: any path, one session each."""

    def __init__(
        self, floor: Floor, desk: Desk, frames: Frames, interference: Interference
    ) -> None:
        self._floor = floor
        self._desk = desk
        self._frames = frames
        self._interference = interference
        self.connections: list[Connection] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one client until it leaves; in the server's loop."""
        if scope["type"] != "websocket":
            await Response(status_code=426)(scope, receive, send)
            return
        await receive()
        known, door = self._interference.knocks(self._floor.step())
        if door is not Door.OPEN:
            await _turned_away(door, receive, send)
            return
        await send({"type": "websocket.accept"})
        session = StreamSession(self._desk, self._frames, clock.steady())
        wire = self._interference.wire(session, known)
        protocol = scope["extensions"][PROTOCOL][PROTOCOL]
        connection = Connection(session, self._floor, protocol, wire)
        self.connections.append(connection)
        self._interference.opened(self._floor.step(), connection, known)
        try:
            await connection.serve(receive, send)
        finally:
            self._interference.closed(connection)
            self.connections.remove(connection)


async def _turned_away(door: Door, receive: Receive, send: Send) -> None:
    """Refuse a newcomer, or leave it without an answer until it gives up."""
    if door is Door.REFUSED:
        await send({"type": "websocket.close"})
        return
    while (await receive())["type"] != "websocket.disconnect":
        pass


def rest_app(floor: Floor, discovery: Discovery) -> Starlette:
    """Return the REST port's application; `discovery` makes the document at /sandbox."""

    async def discover(request: Request) -> Response:
        del request
        return Response(json.dumps(discovery()), media_type=JSON)

    app = Starlette(
        routes=[
            Route("/sandbox", discover, methods=["GET"]),
            Route("/{path:path}", Rest(floor)),
        ]
    )
    app.router.redirect_slashes = False
    return app


def discovery_of(floor: Floor, ws_url: str, control_url: str | None) -> Discovery:
    """Return what makes the discovery document: how to attach to this exchange, as of now."""

    def document() -> dict[str, Any]:
        anchor = floor.hands.anchor
        return {
            "broker": BROKER,
            "ws_url": ws_url,
            "control_url": control_url,
            "anchor": msgspec.to_builtins(anchor),
            "date": floor.exchange.day,
            "speed": anchor.speed,
        }

    return document
