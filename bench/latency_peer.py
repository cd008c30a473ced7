"""The server of bench/latency.py, a process of its own: prices out, orders in, one clock for both.

    python -m bench.latency_peer RATE SECONDS EVERY

Prints its `Address` as one JSON line. Then it sends RATE prices a second, every EVERY-th of them a
mark, to whoever comes, until a mark of each symbol that has marks was answered; then for SECONDS
those that count; and prints a `Report`. Orders are refused, so that the next one may go. Everything
else a broker client asks is answered by the paper exchange, whose own prices nobody hears.
"""

import asyncio
import itertools
import json
import re
import sys
from collections.abc import AsyncIterator, Callable, Iterable
from decimal import Decimal
from typing import Any

import msgspec
from websockets.asyncio.server import ServerConnection, serve

from bench.latency_frames import (
    API_KEY,
    INDEX,
    MARKED,
    OPTIONS,
    SPEED,
    Asked,
    Frame,
    index_text,
    live_by,
    script,
    tally,
    text,
)
from config.settings import load
from domain import clock
from domain.session import instant
from domain.symbols import atm, strikes
from domain.units import SECOND, Symbol
from sandbox.api.answers import JSON
from sandbox.api.desk import Desk
from sandbox.api.front import PREFIX, Api
from sandbox.exchange import Exchange, Setup
from sandbox.params import SandboxParams
from sandbox.truth import Truth

BEGIN = "09:59:50"
"""When market time begins: the first whole minute is near."""

WARM_UP_S = 60
ROUND_S = 0.001
LAST_ORDERS_S = 3
INDEX_EVERY_S = 0.25

REFUSED = b'{"status":"error","message":"Insufficient funds","mode":"analyze"}'
HEAD = b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
LENGTH = re.compile(rb"content-length: *([0-9]+)")
ORDER = "placeorder"


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """The three ports, the clock (market time is `v0` at the real instant `r0`), the symbols."""

    http: int
    ws: int
    raw: int
    r0: int
    v0: int
    options: tuple[Symbol, ...]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What one run came to; `wrong` says why it did not come to anything.

    `late` are the microseconds from each counted mark to the order it caused, ascending.
    """

    frames: tuple[int, int] = (0, 0)
    marks: tuple[Asked, ...] = ()
    orders: tuple[Asked, ...] = ()
    late: tuple[int, ...] = ()
    span_us: int = 0
    wrong: str = ""


class House:
    """The paper exchange at market time, as far as it is asked."""

    def __init__(self) -> None:
        settings = load("sandbox", {}, rooms={"sandbox": SandboxParams()})
        setup = Setup(settings.room(SandboxParams))
        self.begin = instant(setup.day, BEGIN)
        self._exchange = Exchange(setup, settings.rules, Truth())
        self._exchange.advance(self.begin)
        self._api = Api(Desk(self._exchange, API_KEY))
        self.spot = self._exchange.quote(self.begin, INDEX).ltp
        universe = settings.universe
        middle = atm(self.spot, universe.atm_round_points)
        wanted = strikes(middle, universe.width_points, universe.step_points)
        expiry = self._exchange.expiries(INDEX, "NFO", "options")[0]
        self.options = tuple(
            line.symbol
            for line in self._exchange.instruments()
            if line.kind in {"CE", "PE"} and line.expiry == expiry and line.strike in wanted
        )
        assert len(self.options) == OPTIONS

    def open(self) -> dict[str, int]:
        """Let market time begin; return its anchor."""
        r0 = clock.wall()
        live_by(r0, self.begin)
        return {"r0": r0, "v0": self.begin}

    async def answer(self, route: str, body: bytes) -> tuple[int, bytes]:
        """Return status and body of what the paper exchange says."""
        at = clock.now()
        self._exchange.advance(at)
        call = self._api.call(at, "POST", PREFIX + route, body, JSON, "127.0.0.1")
        if call.ready_at > at:
            await _pause((call.ready_at - at) / SPEED / SECOND)
            self._exchange.advance(call.ready_at)
        said = call.answer()
        return said.status, said.body


class Peer:
    """One client, the prices sent to it and the orders that came back."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._ws: ServerConnection | None = None
        self._raw: asyncio.StreamWriter | None = None
        self._asked_for: set[str] = set()
        self._sent: dict[Asked, int] = {}
        self._marks: list[Asked] = []
        self._orders: list[Asked] = []
        self._late: dict[Asked, int] = {}

    async def call(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer POSTs on one keep-alive connection; orders are stamped when they are complete."""
        async for route, body in _posts(reader):
            if route == ORDER:
                self._ordered(body, clock.steady())
                status, said = 400, REFUSED
            else:
                status, said = await self._house.answer(route, body)
            writer.write(HEAD % (status, len(said)) + said)
        writer.close()

    async def talk(self, connection: ServerConnection) -> None:
        """Speak as much OpenAlgo as a client needs to be ready."""
        async for said in connection:
            frame: dict[str, Any] = json.loads(said)
            kind = {"authenticate": "auth", "ping": "pong"}.get(frame["action"], frame["action"])
            rows = [dict(row, status="success") for row in frame.get("symbols", [])]
            answer = {"type": kind, "status": "success", "subscriptions": rows}
            await connection.send(json.dumps(answer))
            if kind == "auth":
                self._asked_for.clear()
            self._asked_for |= {row["symbol"] for row in rows}
            self._ws = connection
        if self._ws is connection:
            self._ws = None

    async def keep_raw(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take the floor's connection, which wants everything."""
        self._asked_for = {INDEX, *self._house.options}
        self._raw = writer
        await reader.read()
        self._raw = None
        writer.close()

    async def run(self, rate: int, seconds: int, every: int) -> Report:
        """Warm up, send what counts, wait for the last orders, and report."""
        until = clock.steady() + WARM_UP_S * SECOND
        await self._send_all(
            script(self._house.options, every, counted=False),
            rate,
            lambda: self._is_warm() or clock.steady() > until,
        )
        if not self._is_warm():
            said = f"{len(self._orders)} orders for {len(self._marks)} marks"
            return Report(wrong=f"no warm client within {WARM_UP_S} s: {said}")
        await self._last_orders()
        self._marks.clear()
        self._orders.clear()
        self._late.clear()
        counted = script(self._house.options, every, counted=True)
        frames = tuple(itertools.islice(counted, rate * seconds))
        begun = clock.steady()
        await self._send_all(iter(frames), rate, lambda: False)
        span = clock.steady() - begun
        await self._last_orders()
        return Report(
            frames=tally((frame.symbol, frame.ltp, frame.number) for frame in frames),
            marks=tuple(self._marks),
            orders=tuple(self._orders),
            late=tuple(sorted(self._late.values())),
            span_us=span,
        )

    async def _last_orders(self) -> None:
        """Wait until the last mark was answered, if it is."""
        patient = clock.steady() + LAST_ORDERS_S * SECOND
        while self._marks[-1] not in self._late and clock.steady() < patient:
            await _pause(ROUND_S)

    def _is_warm(self) -> bool:
        """Whether the last marks were answered; the very last may be on its way."""
        marks = self._marks[-MARKED - 1 : -1]
        return len(marks) == MARKED and all(mark in self._late for mark in marks)

    async def _send_all(
        self, frames: Iterable[Frame], rate: int, is_over: Callable[[], bool]
    ) -> None:
        begun = clock.steady()
        for n, frame in enumerate(frames):
            while clock.steady() < begun + n * SECOND // rate:
                await _pause(ROUND_S)
            if is_over():
                return
            await self._send(frame)
            if n % max(1, int(rate * INDEX_EVERY_S)) == 0:
                await self._say(INDEX, index_text(self._house.spot))

    async def _send(self, frame: Frame) -> None:
        said = text(frame)
        if frame.is_mark:
            asked = (frame.symbol, frame.ltp)
            self._marks.append(asked)
            self._sent[asked] = clock.steady()
        await self._say(frame.symbol, said)

    async def _say(self, symbol: Symbol, said: str) -> None:
        if symbol not in self._asked_for:
            return
        if self._ws is not None:
            await self._ws.send(said)
        elif self._raw is not None:
            self._raw.write(said.encode() + b"\n")

    def _ordered(self, body: bytes, at: int) -> None:
        order = json.loads(body, parse_float=Decimal)
        asked = (order["symbol"], int(Decimal(order["price"]) * 100))
        self._orders.append(asked)
        self._late[asked] = at - self._sent.get(asked, at)


async def _posts(reader: asyncio.StreamReader) -> AsyncIterator[tuple[str, bytes]]:
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            route = head.split(b" ", 2)[1].decode().removeprefix(PREFIX)
            length = LENGTH.search(head.lower())
            yield route, await reader.readexactly(int(length[1]) if length else 0)
    except (asyncio.IncompleteReadError, ConnectionError):
        return


async def _pause(span_s: float) -> None:
    await asyncio.wait([asyncio.get_running_loop().create_future()], timeout=span_s)


async def main(rate: int, seconds: int, every: int) -> None:
    """Serve one run and report it."""
    house = House()
    peer = Peer(house)
    http = await asyncio.start_server(peer.call, "127.0.0.1", 0)
    raw = await asyncio.start_server(peer.keep_raw, "127.0.0.1", 0)
    async with serve(peer.talk, "127.0.0.1", 0, compression=None) as ws:
        ports = (next(iter(server.sockets)).getsockname()[1] for server in (http, ws, raw))
        address = Address(
            **dict(zip(("http", "ws", "raw"), ports, strict=True)),
            **house.open(),
            options=house.options,
        )
        print(msgspec.json.encode(address).decode(), flush=True)
        report = await peer.run(rate, seconds, every)
        print(msgspec.json.encode(report).decode(), flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:])))
