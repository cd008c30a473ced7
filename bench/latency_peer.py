"""The server of bench/latency.py, a process of its own: prices out, orders in, one clock for both.

Prints its ports as one JSON line. Then, for each line `KIND RATE SECONDS EVERY` on standard input,
sends RATE prices a second to the client of that kind (`ws` or `raw`), every EVERY-th one of them
asking for an order, and prints the microseconds from each such price to the order it caused.
"""

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator
from typing import Any

from websockets.asyncio.server import ServerConnection, serve

from domain import clock

SYMBOL = "NIFTY24NOV2626000CE"
ANSWER = b'{"status":"success","orderid":"26112100000001"}'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
PRICE = re.compile(rb'"price":([0-9]+)\.([0-9]{2})')
ROUND_S = 0.001
LAST_ORDERS_S = 0.5


class Peer:
    """One client of each kind, the prices sent and the orders that came back."""

    def __init__(self) -> None:
        self.ws: ServerConnection | None = None
        self.raw: asyncio.StreamWriter | None = None
        self.sent: dict[int, int] = {}
        self.late: dict[int, int] = {}
        self._number = 0

    async def order(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer POSTs on one keep-alive connection, stamping each when its body is complete."""
        async for body in _bodies(reader):
            arrived = clock.steady()
            if (price := PRICE.search(body)) is not None:
                number = int(price[1]) * 100 + int(price[2])
                self.late[number] = arrived - self.sent.get(number, arrived)
            writer.write(HEAD % len(ANSWER) + ANSWER)
        writer.close()

    async def talk(self, connection: ServerConnection) -> None:
        """Speak as much OpenAlgo as a client needs to be ready."""
        async for said in connection:
            frame: dict[str, Any] = json.loads(said)
            kind = {"authenticate": "auth", "ping": "pong"}.get(frame["action"], frame["action"])
            rows = [dict(row, status="success") for row in frame.get("symbols", [])]
            answer = {"type": kind, "status": "success", "subscriptions": rows}
            await connection.send(json.dumps(answer))
            if kind == "subscribe_orders":
                self.ws = connection
        self.ws = None

    async def keep_raw(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take the floor's connection."""
        self.raw = writer
        await reader.read()
        self.raw = None
        writer.close()

    async def run(self, kind: str, rate: int, seconds: int, every: int) -> list[int]:
        """Send prices evenly and return how late each order was, in microseconds."""
        self.sent, self.late = {}, {}
        while {"ws": self.ws, "raw": self.raw}[kind] is None:
            await _pause(ROUND_S)
        begun, count = clock.steady(), rate * seconds
        for n in range(count):
            while clock.steady() < begun + n * 1_000_000 // rate:
                await _pause(ROUND_S)
            self._number += 1
            await self._send(kind, self._number, asks=n % every == 0)
        await _pause(LAST_ORDERS_S)
        return sorted(self.late.values())

    async def _send(self, kind: str, number: int, *, asks: bool) -> None:
        frame = price(number, asks=asks)
        if asks:
            self.sent[number] = clock.steady()
        if kind == "ws" and self.ws is not None:
            await self.ws.send(frame)
        if kind == "raw" and self.raw is not None:
            self.raw.write(frame.encode() + b"\n")


def price(number: int, *, asks: bool) -> str:
    """Return a price frame; its volume is its number, its ltp 2 where it asks for an order."""
    data = {"ltp": 2 if asks else 1, "volume": number, "ltt": 0, "open": 1.0, "high": 2.0}
    outer = {"type": "market_data", "symbol": SYMBOL, "exchange": "NFO", "mode": 2}
    return json.dumps(outer | {"data": data})


async def _bodies(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = re.search(rb"content-length: *([0-9]+)", head.lower())
            yield await reader.readexactly(int(length[1]) if length else 0)
    except (asyncio.IncompleteReadError, ConnectionError):
        return


async def _pause(span_s: float) -> None:
    await asyncio.wait([asyncio.get_running_loop().create_future()], timeout=span_s)


async def main() -> None:
    """Serve until standard input ends."""
    peer = Peer()
    orders = await asyncio.start_server(peer.order, "127.0.0.1", 0)
    raw = await asyncio.start_server(peer.keep_raw, "127.0.0.1", 0)
    async with serve(peer.talk, "127.0.0.1", 0, compression=None) as ws:
        sockets = {"http": orders.sockets[0], "raw": raw.sockets[0], "ws": next(iter(ws.sockets))}
        print(json.dumps({k: s.getsockname()[1] for k, s in sockets.items()}), flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            kind, *numbers = line.split()
            print(json.dumps(await peer.run(kind, *map(int, numbers))), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
