"""The socket to another OpenAlgo server: opened again and again, for as long as the day is served.

Runs in the server's loop. A server that is gone shows as it would in OpenAlgo: no frames come, and
nothing is said about it downstream. Waits are real time, prices are stamped with market time.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from domain import clock
from domain.units import SECOND, Micros, seconds
from sandbox.market.draws import Stream as Draws
from sandbox.market.live import Inbox
from sandbox.relay.dialogue import Dialogue, Refused
from sandbox.relay.passage import OPEN, Passage
from sandbox.relay.wire import Pair

log = logging.getLogger(__name__)
# Its DEBUG shows whole frames, the first of which carries the key.
SOCKET_LOG = logging.getLogger("websockets.relay")
SOCKET_LOG.setLevel(logging.WARNING)

PING_S = 20.0
OPEN_S = 10.0
CLOSE_S = 1.0
FRAMES_AHEAD = 256
LONGEST_WAIT_S = 60.0
STEADY = seconds(60)
LOOK_S = 0.5
LONGEST = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Where the stream is and what is wanted of it. `silent_s` is real time."""

    url: str
    api_key: str = field(repr=False)
    pairs: tuple[Pair, ...]
    mode: str
    chunk: int
    silent_s: float
    random_seed: int = 0
    passage: Passage = OPEN


class _Straight(connect):
    """A connection that goes where it was told: a redirect would carry the key elsewhere."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class Stream:
    """Keeps one connection and puts what it hears into the inbox.

    `is_trading` says whether prices are to be expected now: only then is silence a fault.
    """

    def __init__(self, link: Link, inbox: Inbox, is_trading: Callable[[], bool]) -> None:
        self._link = link
        self._inbox = inbox
        self._is_trading = is_trading
        self._draws = Draws(link.random_seed, "relay")
        self._heard_at = Micros(0)
        self._attempt = 0
        self._drawn = 0

    async def run(self) -> None:
        """Connect, listen, and do it again; ends when cancelled."""
        while True:
            began = clock.steady()
            try:
                await self._live()
                why = "closed by the server"
            except Refused as refused:
                why = f"refused: {refused.text}"
            except (OSError, TimeoutError, WebSocketException) as error:
                why = self._said(error)
            if self._heard_at - began >= STEADY:
                self._attempt = 0
            wait_s = self._wait_s()
            log.warning("prices lost: %s; again in %.1f s", why, wait_s)
            await asyncio.sleep(wait_s)  # noqa: TID251 - the sandbox server may

    async def _live(self) -> None:
        link = self._link
        dialogue = Dialogue(link.api_key, link.pairs, link.mode, link.chunk)
        async with _Straight(
            link.url,
            additional_headers=self._link.passage.headers,
            ssl=self._link.passage.context(self._link.url),
            proxy=None,
            compression=None,
            open_timeout=OPEN_S,
            close_timeout=CLOSE_S,
            ping_interval=PING_S,
            ping_timeout=PING_S,
            max_queue=FRAMES_AHEAD,
            logger=SOCKET_LOG,
        ) as socket:
            await socket.send(dialogue.on_open().decode())
            self._inbox.begin(clock.now())
            async with self._watched(socket):
                await self._listen(socket, dialogue)

    async def _listen(self, socket: ClientConnection, dialogue: Dialogue) -> None:
        complaints = _Complaints(dialogue)
        was_ready = False
        async for frame in socket:
            heard = dialogue.hear(frame)
            if heard.seen is not None:
                self._heard_at = clock.steady()
                self._inbox.put(clock.now(), heard.seen)
                continue
            for answer in heard.frames:
                await socket.send(answer.decode())
            if dialogue.is_ready and not was_ready:
                was_ready = True
                log.info(
                    "prices come from %s symbols=%d mode=%s",
                    *(self._link.url, len(self._link.pairs), dialogue.mode),
                )
            complaints.tell()

    @asynccontextmanager
    async def _watched(self, socket: ClientConnection) -> AsyncIterator[None]:
        """Close a socket on which nothing comes although the market is open."""
        watch = asyncio.create_task(self._watch(socket))
        try:
            yield
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)

    async def _watch(self, socket: ClientConnection) -> None:
        quiet_since = clock.steady()
        while True:
            await asyncio.sleep(LOOK_S)  # noqa: TID251 - the sandbox server may
            if not self._is_trading():
                quiet_since = clock.steady()
                continue
            quiet_since = max(quiet_since, self._heard_at)
            silence_s = (clock.steady() - quiet_since) / SECOND
            if silence_s >= self._link.silent_s:
                log.warning("prices silent for %.0f s: connecting anew", silence_s)
                await socket.close()
                return

    def _said(self, error: Exception) -> str:
        """Return an error in one short line. A server may have put anything into it."""
        return f"{type(error).__name__} {error}".replace(self._link.api_key, "***")[:LONGEST]

    def _wait_s(self) -> float:
        """Return how long to wait: 1, 2, 4 .. 60 s, a quarter of it drawn."""
        longest_s = min(2.0**self._attempt, LONGEST_WAIT_S)
        self._attempt = min(self._attempt + 1, 10)
        self._drawn += 1
        return longest_s * (1 - self._draws.unit(self._drawn) / 4)


class _Complaints:
    """Says that a broker refuses symbols or that frames cannot be read, once a minute at most."""

    def __init__(self, dialogue: Dialogue) -> None:
        self._dialogue = dialogue
        self._told = 0
        self._next = Micros(0)

    def tell(self) -> None:
        """Say what is new since the last time."""
        refused, bad = self._dialogue.refused, self._dialogue.bad
        if len(refused) + bad <= self._told or clock.steady() < self._next:
            return
        self._told = len(refused) + bad
        self._next = Micros(clock.steady() + STEADY)
        names = " ".join(sorted(symbol for symbol, _ in refused)[:5])
        log.warning(
            "upstream: symbols refused=%d %s frames unreadable=%d", len(refused), names, bad
        )
