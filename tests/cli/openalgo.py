"""As much of an OpenAlgo server as a doctor asks: REST answers by route, prices by WebSocket."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

import pytest

from domain import clock
from domain.clock import Anchor, AnchoredClock
from domain.session import instant
from domain.symbols import parse
from domain.units import SECOND, Day, Micros
from tests.broker.http_server import HttpServer, Reply, Request, serving
from tests.broker.ws_server import Peer, WsServer, openalgo, streaming
from tests.trading import dashed

DAY = Day("2026-11-20")
EXPIRY = Day("2026-11-23")
KEY = "k" * 32
BAD_KEY = Reply({"status": "error", "message": "Invalid openalgo apikey"}, 403)
BROKEN = Reply({"status": "error", "message": "the broker is away"}, 500)

Answer = Reply | Callable[[Request], Reply]


def ok(data: Any) -> Reply:
    return Reply({"status": "success", "data": data})


def a_quote(ltp: float, **more: Any) -> dict[str, Any]:
    flat = dict.fromkeys(("open", "high", "low", "prev_close"), ltp)
    return {"ltp": ltp, "bid": 0, "ask": 0, "volume": 130, "oi": 0} | flat | more


def quotes(request: Request) -> Reply:
    """Every symbol has a price, but one that nobody knows."""
    rows = []
    for pair in request.body["symbols"]:
        if pair["symbol"] == "NIFTYX":
            bad = dict(pair, error="Symbol 'NIFTYX' not found")
            body = {"status": "error", "message": bad["error"], "invalid_symbols": [bad]}
            return Reply(body, 400)
        is_index = pair["exchange"].endswith("_INDEX")
        rows.append(dict(pair, data=a_quote(25_974.9 if is_index else 145.5)))
    return Reply({"status": "success", "results": rows})


def symbol(request: Request) -> Reply:
    """The symbol master knows every option, with the facts of the dated rules."""
    option = parse(request.body["symbol"])
    row = {
        "symbol": option.symbol,
        "name": option.name,
        "expiry": dashed(option.expiry),
        "strike": option.strike / 100,
        "lotsize": 65,
        "tick_size": 0.05,
        "freeze_qty": 1800,
    }
    return ok(row)


def bars(count: int) -> Reply:
    begin = instant(DAY, "09:15") // SECOND
    row = {"open": 1, "high": 1, "low": 1, "close": 1, "volume": 0}
    return ok([row | {"timestamp": begin + 60 * n} for n in range(count)])


GOOD: Mapping[str, Answer] = {
    "ping": ok({"message": "pong", "broker": "zerodha"}),
    "analyzer": ok({"mode": "analyze"}),
    "funds": ok({"availablecash": "1000000.00"}),
    "market/timings": ok([{"exchange": "NFO"}]),
    "multiquotes": quotes,
    "expiry": ok([dashed(EXPIRY)]),
    "symbol": symbol,
    "margin": ok({"total_margin_required": 181_220.0}),
    "history": bars(45),
    "cancelorder": Reply({"status": "error", "message": "Order 0 not found"}, 404),
}


def priced(peer: Peer, frame: Any) -> None:
    """Answer as OpenAlgo does, and send two prices of whatever is subscribed."""
    openalgo(peer, frame)
    for pair in frame.get("symbols", ()):
        for volume in (65, 130):
            data = {"ltp": 145.55, "volume": volume, "ltt": None, "timestamp": None}
            peer.send({"type": "market_data", "mode": 2, "broker": "x", **pair, "data": data})


@dataclass
class OpenAlgo:
    """A running server; `table` may be changed while it runs."""

    rest: HttpServer
    stream: WsServer
    table: dict[str, Answer] = field(default_factory=dict)


@contextmanager
def an_openalgo(
    monkeypatch: pytest.MonkeyPatch, feed: Callable[[Peer, Any], None] = priced
) -> Iterator[OpenAlgo]:
    """Run a server, and let the environment name it."""
    table = dict(GOOD)

    def answer(request: Request) -> Reply:
        found = table[request.route]
        reply = found if isinstance(found, Reply) else found(request)
        date = ("Date", formatdate(clock.now() / SECOND, usegmt=True))
        named = {name for name, _ in reply.headers}
        return reply if "Date" in named else reply._replace(headers=(*reply.headers, date))

    with serving(answer) as rest, streaming(feed) as stream:
        host, _, port = rest.url.removeprefix("http://").partition(":")
        for name, value in {
            "OPENALGO_HOST": host,
            "OPENALGO_PORT": port,
            "OPENALGO_WS_URL": stream.url,
            "OPENALGO_API_KEY": KEY,
            "PAPER_TRADING": "true",
            "SUTRADHAR_PAGE__PORT": "0",  # whoever has ours on this machine
        }.items():
            monkeypatch.setenv(name, value)
        yield OpenAlgo(rest, stream, table)


def it_is(wall: str, day: Day = DAY) -> Micros:
    """Let the market's clock show this, and run on from there."""
    at = instant(day, wall)
    clock.use(AnchoredClock(Anchor(r0=clock.wall(), v0=at, speed=1)))
    return at
