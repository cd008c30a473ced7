"""The feed on real sockets: what counts as ready, and what is proved after a reconnect."""

import logging
import queue
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from typing import Any

import pytest

from actors.delivery import Delivery
from actors.feed import FeedActor, FeedPorts
from actors.post_office import PostOffice
from broker.stream import Link, OpenAlgoStream
from domain import clock
from domain.calls import Quotes, ReadQuotes
from domain.market import Source
from domain.params import FeedParams, UniverseParams
from domain.signs import RestVerdict, Sign
from domain.units import Micros, Symbol, seconds
from messages.control import Begin, Pulse, RecoveryDone, SelectSource
from messages.market import FeedHealth
from tests.actors.fakes import FakeBroker
from tests.broker.ws_server import Peer, WsServer, streaming
from tests.domain.tape import CALL, NIFTY, a_chain, a_plan, at
from tests.domain.wares import a_quote
from tests.waiting import until

WITHIN_S = 10
PRIMARY, BACKUP = Source.PRIMARY, Source.BACKUP
OPTIONS = tuple(contract.symbol for contract in a_chain(0).contracts)
PUT = OPTIONS[1]


class Watch:
    """A market clock moved by hand."""

    def __init__(self, wall: str) -> None:
        self.at = at(wall)

    def now(self) -> Micros:
        return self.at

    def machine(self) -> Micros:
        return self.at


class Heard:
    """Keeps what an address is told."""

    def __init__(self) -> None:
        self.inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def tell(self, message: Any) -> None:
        self.inbox.put(message)


class Stand:
    """A feed actor, not started, on real streams; the test lets it hear and moves the clock."""

    def __init__(self, watch: Watch, servers: dict[Source, str]) -> None:
        self.watch = watch
        self.broker = FakeBroker()
        self.health: FeedHealth | None = None
        self._volume = count(65, 65)
        self._post = PostOffice()
        self._boxes = {address: Heard() for address in ("feed", "watchdog")}
        for address, box in self._boxes.items():
            self._post.register(address, box)
        self.streams = {
            source: OpenAlgoStream(
                Link(url=url, api_key=f"{source}-key", source=source), Delivery(self._post)
            )
            for source, url in servers.items()
        }
        self._actor = FeedActor(
            "feed",
            self._post,
            ports=FeedPorts(self.streams, self.broker, random.Random(7)),
            params=FeedParams(),
            universe=UniverseParams(),
            index=(NIFTY, "NSE_INDEX"),
        )
        self._actor.on_receive(Begin(at=watch.at))
        self._actor.on_receive(RecoveryDone(at=watch.at, plan=a_plan(), chain=a_chain(0)))

    def hear(self) -> FeedHealth:
        """Let the actor take everything that came, and a pulse; return its vital signs."""
        self._drain()
        self._actor.on_receive(Pulse(at=self.watch.at))
        box = self._boxes["watchdog"].inbox
        while not box.empty():
            message = box.get()
            if isinstance(message, FeedHealth):
                self.health = message
        assert self.health is not None
        return self.health

    def wait(self, condition: Callable[[FeedHealth], bool]) -> FeedHealth:
        """Wait until the vital signs are so, the market's clock standing still."""
        until(lambda: condition(self.hear()), WITHIN_S)
        return self.hear()

    def sign(self, source: Source) -> Sign:
        return next(sign for sign in self.hear().streams if sign.source is source)

    def send(self, peer: Peer, *symbols: Symbol) -> None:
        """Let a server send a price of each symbol, and wait until the actor took them."""
        before = self.hear().ticks
        for symbol in symbols:
            peer.send(self._frame(symbol))
        self.wait(lambda health: health.ticks == before + len(symbols))

    def pass_time(self, span_s: float) -> None:
        self.watch.at = Micros(self.watch.at + seconds(span_s))

    def command(self, message: SelectSource) -> None:
        self._actor.on_receive(message)

    def answer(self, ltp: int) -> None:
        """Answer every poll that is out with this price of the index."""
        polls = [done for call, done in self.broker.reads if isinstance(call, ReadQuotes)]
        self.broker.reads.clear()
        quote = a_quote(self.watch.at, symbol=NIFTY, exchange="NSE_INDEX", ltp=ltp, volume=0)
        for done in polls:
            done(Quotes(quotes=(quote,), missing=()))
        self._drain()

    def close(self) -> None:
        for stream in self.streams.values():
            stream.close()
            assert stream.join(WITHIN_S)

    def _drain(self) -> None:
        box = self._boxes["feed"].inbox
        while not box.empty():
            self._actor.on_receive(box.get())

    def _frame(self, symbol: Symbol) -> dict[str, Any]:
        is_index = symbol == NIFTY
        exchange = "NSE_INDEX" if is_index else "NFO"
        data: dict[str, Any] = {"ltp": 26_000.0 if is_index else 150.0}
        if not is_index:
            data["volume"] = next(self._volume)
        return {
            "type": "market_data",
            "symbol": symbol,
            "exchange": exchange,
            "mode": 2,
            "data": data,
        }


def asked_again(peer: Peer) -> list[str]:
    """Wait until symbols were ended and subscribed again, and return them."""

    def found() -> list[str]:
        frames = [frame for frame in peer.heard if frame["action"] in {"subscribe", "unsubscribe"}]
        said = [frame["action"] for frame in frames[-2:]] == ["unsubscribe", "subscribe"]
        return [row["symbol"] for row in frames[-1]["symbols"]] if said else []

    return until(found, WITHIN_S)


Opened = Callable[..., tuple[Stand, dict[Source, WsServer]]]


@pytest.fixture
def opened() -> Iterator[Opened]:
    with ExitStack() as stack:

        def start(*sources: Source) -> tuple[Stand, dict[Source, WsServer]]:
            watch = Watch("10:00")
            clock.use(watch)
            stack.callback(clock.use, clock.WallClock())
            servers = {source: stack.enter_context(streaming()) for source in sources}
            stand = Stand(watch, {source: server.url for source, server in servers.items()})
            stack.callback(stand.close)
            return stand, servers

        yield start


@pytest.mark.incident("INC-07")
def test_fallback_is_ready_only_after_a_real_quote(opened: Opened) -> None:
    stand, servers = opened(PRIMARY, BACKUP)
    stand.wait(lambda health: all(sign.is_connected for sign in health.streams))
    assert not stand.sign(BACKUP).is_ready, "connected and subscribed is not ready"
    peer = servers[BACKUP].peer()
    assert "subscribe_orders" not in peer.actions
    stand.send(peer, NIFTY)
    assert stand.sign(BACKUP).is_ready
    assert not stand.sign(PRIMARY).is_ready
    stand.pass_time(6)
    assert not stand.sign(BACKUP).is_ready, "it was ready, and fell silent"

    assert stand.hear().rest is RestVerdict.UNPROVEN
    for ltp, verdict in (
        (2_600_000, RestVerdict.UNPROVEN),
        (2_600_000, RestVerdict.UNPROVEN),
        (2_600_005, RestVerdict.LIVE),
    ):
        stand.answer(ltp)
        assert stand.hear().rest is verdict
        stand.pass_time(2)
        stand.hear()


@pytest.mark.incident("INC-14")
def test_every_symbol_is_proved_after_a_reconnect(
    opened: Opened, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    stand, servers = opened(PRIMARY)
    first = servers[PRIMARY].peer()
    stand.wait(lambda health: health.streams[0].is_connected)
    stand.send(first, NIFTY, *OPTIONS)
    assert (stand.hear().seen, stand.hear().mute) == (2, ())

    first.connection.close(1011, "upstream is gone")
    stand.wait(lambda health: not health.streams[0].is_connected)
    stand.pass_time(2)
    stand.hear()
    second = servers[PRIMARY].peer(1)
    stand.wait(lambda health: health.streams[0].is_connected)
    assert [row["symbol"] for row in second.heard[1]["symbols"]] == [NIFTY, *OPTIONS]
    assert (stand.hear().seen, stand.hear().mute) == (0, OPTIONS)

    for _ in range(16):
        stand.pass_time(4)
        stand.send(second, NIFTY, CALL)
    assert stand.hear().mute == (PUT,)
    assert f"WebSocket: 1 of 2 symbols stay mute: {PUT}" in caplog.messages
    assert asked_again(second) == [PUT]
    assert f"Subscribing again: {PUT} (no tick)" in caplog.messages

    stand.send(second, PUT)
    assert stand.hear().mute == ()
    assert f"Repaired: {PUT} delivers again" in caplog.messages


@pytest.mark.incident("INC-05")
def test_price_without_volume_is_subscribed_again_on_the_socket(opened: Opened) -> None:
    stand, servers = opened(PRIMARY)
    peer = servers[PRIMARY].peer()
    stand.wait(lambda health: health.streams[0].is_connected)
    stand.send(peer, NIFTY, *OPTIONS)
    before = stand.hear().ticks
    bare = {"symbol": CALL, "exchange": "NFO", "mode": 1, "data": {"ltp": 151.0, "mode": "ltp"}}
    peer.send({"type": "market_data", **bare})
    stand.wait(lambda health: health.ticks == before + 1)
    assert asked_again(peer) == [CALL]
