"""The server of bench/feed.py, a process of its own: prices at a given rate, or as fast as taken.

    python -m bench.feed_peer SYMBOLS RATE SECONDS

Prints its port as one JSON line, waits for a client that subscribed everything, sends prices for
WARM_S and then for SECONDS, closes the connection, and prints what it said: how many frames, and
the last price and volume of each symbol. RATE 0: no pause at all.
"""

import asyncio
import json
import sys
from contextlib import suppress
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from bench.feed_market import Crier, chain, frame, index_frame
from domain import clock
from domain.units import SECOND

WARM_S = 2
ROUND_S = 0.005
INDEX_EVERY = SECOND // 4
BATCH = 200


class Peer:
    """One client and what it was sent."""

    def __init__(self, symbols: int) -> None:
        self.crier = Crier(tuple(each.symbol for each in chain(symbols).contracts))
        self.index_said = 0
        self._connection: ServerConnection | None = None
        self._ready = asyncio.Event()
        self._asked: set[str] = set()

    async def talk(self, connection: ServerConnection) -> None:
        """Speak as much OpenAlgo as a client needs to be ready."""
        self._connection = connection
        with suppress(ConnectionClosed):
            await self._listen(connection)

    async def _listen(self, connection: ServerConnection) -> None:
        async for said in connection:
            asked: dict[str, Any] = json.loads(said)
            kind = {"authenticate": "auth", "ping": "pong"}.get(asked["action"], asked["action"])
            rows = [dict(row, status="success") for row in asked.get("symbols", [])]
            answer = {"type": kind, "status": "success", "subscriptions": rows}
            await connection.send(json.dumps(answer))
            self._asked |= {row["symbol"] for row in rows}
            if len(self._asked) > len(self.crier.symbols):
                self._ready.set()

    async def run(self, rate: int, seconds: int) -> float:
        """Send, and return how long the part that counts took, in real seconds."""
        await self._ready.wait()
        await self._send(rate, WARM_S)
        begun = clock.steady()
        await self._send(rate, seconds)
        span = clock.steady() - begun
        assert self._connection is not None
        await self._connection.close()
        return span / SECOND

    async def _send(self, rate: int, seconds: int) -> None:
        begun, told, sent = clock.steady(), 0, 0
        while (at := clock.steady()) < begun + seconds * SECOND:
            due = BATCH if not rate else (at - begun) * rate // SECOND - sent
            for _ in range(due):
                await self._say(frame(*self.crier.next(), clock.now()))
            sent += due
            if at - told >= INDEX_EVERY:
                told = at
                self.index_said += 1
                await self._say(index_frame(clock.now()))
            if rate:
                await _pause(ROUND_S)

    async def _say(self, said: bytes) -> None:
        assert self._connection is not None
        await self._connection.send(said, text=True)


async def _pause(span_s: float) -> None:
    await asyncio.wait([asyncio.get_running_loop().create_future()], timeout=span_s)


async def main(symbols: int, rate: int, seconds: int) -> None:
    """Serve one run and report it."""
    peer = Peer(symbols)
    async with serve(peer.talk, "127.0.0.1", 0, compression=None, ping_interval=None) as ws:
        port = next(iter(ws.sockets)).getsockname()[1]
        print(json.dumps({"port": port}), flush=True)
        span_s = await peer.run(rate, seconds)
        said = {"frames": peer.crier.said, "index": peer.index_said, "span_s": span_s}
        print(json.dumps({**said, "last": peer.crier.last}), flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:])))
