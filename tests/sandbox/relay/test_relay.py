"""The relay at work: a socket that comes back, bars that are fetched, a loop that never waits."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from domain import clock
from domain.session import instant
from domain.units import MINUTE, SECOND, Micros
from sandbox.api.answers import Refused
from sandbox.api.requests import History
from sandbox.kinds import NFO
from sandbox.market.live import Inbox, Seen
from sandbox.relay.relay import Relay, beside
from sandbox.relay.rest import Rest
from sandbox.relay.stream import Link, Stream
from tests.broker.http_server import HttpServer, Reply, in_background, serving
from tests.broker.ws_server import Peer, openalgo, streaming
from tests.sandbox.pit import CALL, DAY
from tests.sandbox.relay.stand import a_bar, a_day
from tests.waiting import until

KEY = "SECRET-KEY"
PATIENCE_S = 10.0
OPEN = instant(DAY, "09:15")


class Kept(Inbox):
    """Remembers what was put into it: prices, and None for each new connection."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[int | None] = []

    def put(self, at: Micros, seen: Seen) -> None:
        self.words.append(seen.ltp)

    def begin(self, at: Micros) -> None:
        self.words.append(None)


@contextmanager
def listening(url: str, *, silent_s: float = 60, is_trading: bool = True) -> Iterator[Kept]:
    """Run a stream in a loop of its own until the block ends."""
    inbox = Kept()
    link = Link(
        url=url, api_key=KEY, pairs=((CALL, NFO),), mode="depth", chunk=50, silent_s=silent_s
    )
    stream = Stream(link, inbox, lambda: is_trading)
    loop = asyncio.new_event_loop()
    task = loop.create_task(stream.run())

    def live() -> None:
        with pytest.raises(asyncio.CancelledError):
            loop.run_until_complete(task)
        loop.close()

    thread = in_background(live)
    thread.start()
    try:
        yield inbox
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


def a_price(ltp: float) -> dict[str, Any]:
    data = {"ltp": ltp}
    return {"type": "market_data", "symbol": CALL, "exchange": NFO, "mode": 3, "data": data}


def one_price_each(peer: Peer, frame: Any) -> None:
    openalgo(peer, frame)
    if frame["action"] == "subscribe":
        peer.send(a_price(150.05))


def test_stream_authenticates_subscribes_and_hears() -> None:
    with streaming(one_price_each) as server, listening(server.url) as inbox:
        until(lambda: inbox.words == [None, 15_005], PATIENCE_S)
        assert server.peer().actions == ["authenticate", "subscribe"]
        assert server.peer().heard[1]["mode"] == 3


def test_lost_stream_comes_back_and_begins_anew() -> None:
    with streaming(one_price_each) as server, listening(server.url) as inbox:
        until(lambda: inbox.words == [None, 15_005], PATIENCE_S)
        server.peer().connection.socket.shutdown(2)
        until(lambda: inbox.words == [None, 15_005, None, 15_005], PATIENCE_S)
        assert server.peer(1).actions == ["authenticate", "subscribe"]


def test_nobody_there_is_tried_again_until_somebody_is(caplog: pytest.LogCaptureFixture) -> None:
    with listening("ws://127.0.0.1:1"):
        until(lambda: caplog.text.count("prices lost") > 1, PATIENCE_S)
    assert "ConnectionRefusedError" in caplog.text


def test_refused_key_is_said_without_it_and_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def refuse(peer: Peer, frame: Any) -> None:
        said = f"{frame['api_key']} is no key"
        peer.send({"status": "error", "code": "AUTHENTICATION_ERROR", "message": said})

    with streaming(refuse) as server, listening(server.url):
        server.peer(1)
    assert "refused: AUTHENTICATION_ERROR *** is no key" in caplog.text
    assert KEY not in caplog.text


def test_silence_in_the_session_opens_a_new_connection() -> None:
    with streaming() as server, listening(server.url, silent_s=0.1):
        assert server.peer(1) is not server.peer(0)


def test_silence_outside_the_session_is_no_fault() -> None:
    with (
        streaming(one_price_each) as server,
        listening(server.url, silent_s=0, is_trading=False) as inbox,
        listening(server.url, silent_s=0) as other,
    ):
        until(lambda: other.words.count(None) > 1, PATIENCE_S)
        assert inbox.words == [None, 15_005]


def asked(**changes: Any) -> History:
    fields = {
        "apikey": "ours", "symbol": CALL, "exchange": NFO, "interval": "5m",
        "start_date": DAY, "end_date": DAY,
    }  # fmt: skip
    return History(**fields | changes)


@contextmanager
def a_relay(server: HttpServer, inbox: Inbox) -> Iterator[Relay]:
    stream = Stream(
        Link(url="", api_key=KEY, pairs=(), mode="ltp", chunk=1, silent_s=1), inbox, lambda: False
    )
    rests = Rest(server.url, KEY, 5), Rest(server.url, KEY, 5)
    yield Relay(a_day(inbox), stream, rests, follows=False)
    for rest in rests:
        rest.close()


def a_row(minute: Micros) -> dict[str, float]:
    prices = dict.fromkeys(("open", "high", "low", "close"), 150.0)
    return prices | {"timestamp": minute // SECOND, "volume": 65, "oi": 0}


def test_bars_of_the_day_are_read_in_minutes_and_put_in_order() -> None:
    yesterday = Micros(OPEN - 24 * 60 * MINUTE)
    minutes = (Micros(OPEN + MINUTE), OPEN, yesterday, Micros(OPEN + MINUTE))
    reply = Reply({"status": "success", "data": [a_row(minute) for minute in minutes]})
    inbox = Inbox()
    with serving(lambda _: reply) as server, a_relay(server, inbox) as relay:
        asyncio.run(relay.fetch(asked()))
        (request,) = server.requests
    assert inbox.bars == {CALL: (a_bar(OPEN), a_bar(Micros(OPEN + MINUTE)))}
    assert request.body == {
        "apikey": KEY, "symbol": CALL, "exchange": NFO, "interval": "1m",
        "start_date": DAY, "end_date": DAY,
    }  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [{"symbol": "X"}, {"exchange": "BFO"}, {"end_date": "2026-11-18", "start_date": "2026-11-01"}],
)
def test_what_has_no_bars_here_is_not_asked_for(changes: dict[str, str]) -> None:
    with serving(lambda _: Reply({})) as server, a_relay(server, Inbox()) as relay:
        asyncio.run(relay.fetch(asked(**changes)))
        assert server.requests == []


@pytest.mark.parametrize(
    "reply", [Reply({"message": "Invalid openalgo apikey"}, 403), Reply({"data": 1}), None]
)
def test_bars_that_cannot_be_had_are_a_failure_of_the_broker(reply: Reply | None) -> None:
    inbox = Inbox()
    inbox.bars[CALL] = (a_bar(OPEN),)
    with (
        serving(lambda _: reply) as server,
        a_relay(server, inbox) as relay,
        pytest.raises(Refused) as refused,
    ):
        asyncio.run(relay.fetch(asked()))
    assert refused.value.status == 500
    assert KEY not in refused.value.text


def test_loop_goes_on_while_something_blocks_beside_it() -> None:
    gate = threading.Event()

    async def both() -> str:
        blocked = asyncio.ensure_future(beside(lambda: gate.wait(PATIENCE_S)))
        await asyncio.wait_for(beside(lambda: None), PATIENCE_S)
        was_done = blocked.done()
        gate.set()
        return f"{was_done} {await blocked}"

    assert asyncio.run(both()) == "False True"


def test_failure_beside_the_loop_comes_back_into_it() -> None:
    def fail() -> None:
        raise LookupError(json.dumps("no"))

    with pytest.raises(LookupError):
        asyncio.run(beside(fail))


def test_nobody_waits_for_what_is_still_blocked_at_the_end() -> None:
    gate = threading.Event()

    async def leave() -> None:
        waiting = asyncio.ensure_future(beside(lambda: gate.wait(PATIENCE_S)))
        await beside(lambda: None)
        waiting.cancel()

    before = clock.steady()
    asyncio.run(leave())
    gate.set()
    assert clock.steady() - before < PATIENCE_S * SECOND
