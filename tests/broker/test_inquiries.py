"""The small reads about server and account, of which a preflight is made."""

import pytest

from broker import scripts
from broker.asks import Fault
from domain.calls import (
    Failed,
    FundsRead,
    Outcome,
    Read,
    ReadFunds,
    ReadReply,
    ReadServer,
    ReadTimings,
    ServerRead,
    TimingsRead,
)
from domain.units import Day, Micros, Paise
from tests.broker.build import a_fault, an_answer
from tests.broker.drive import Server, drive

DAY = Day("2026-11-19")
NO_KEY = an_answer({"status": "error", "message": "Invalid openalgo apikey"}, 403)


def ok(data: object) -> dict[str, object]:
    return {"status": "success", "data": data}


def asked(call: Read, **changed: object) -> tuple[ReadReply, list[str]]:
    """Return what a read came to and the routes it asked."""
    table = {
        "ping": ok({"message": "pong", "broker": "localsim"}),
        "analyzer": ok({"mode": "live"}),
        "funds": ok({"availablecash": "1000000.00"}),
        "market/timings": ok([{"exchange": "NFO"}]),
        "cancelorder": an_answer({"status": "error", "message": "Order 0 not found"}, 404),
    }
    server = Server(table | changed)
    return drive(scripts.read(call), server), server.routes


def test_live_server_is_asked_for_its_order_mode() -> None:
    reply, routes = asked(ReadServer())
    assert routes == ["ping", "analyzer", "cancelorder"]
    assert reply == ServerRead(broker="localsim", mode="live", skew=Micros(0), semi_auto=False)


def test_server_in_analyzer_mode_is_asked_for_nothing_that_orders() -> None:
    reply, routes = asked(ReadServer(), analyzer=ok({"mode": "analyze"}))
    assert routes == ["ping", "analyzer"]
    assert reply == ServerRead(broker="localsim", mode="analyze", skew=Micros(0), semi_auto=False)


def test_semi_auto_is_seen() -> None:
    blocked = an_answer({"status": "error", "message": "Blocked in Semi-Auto mode"}, 403)
    reply, _ = asked(ReadServer(), cancelorder=blocked)
    assert isinstance(reply, ServerRead)
    assert reply.semi_auto


def test_funds_and_calendar_are_one_request_each() -> None:
    assert asked(ReadFunds()) == (FundsRead(available=Paise(100_000_000)), ["funds"])
    assert asked(ReadTimings(day=DAY)) == (TimingsRead(nfo_open=True), ["market/timings"])
    closed, _ = asked(ReadTimings(day=DAY), **{"market/timings": ok([])})
    assert closed == TimingsRead(nfo_open=False)


@pytest.mark.parametrize(
    ("call", "route"),
    [(ReadServer(), "ping"), (ReadFunds(), "funds"), (ReadTimings(day=DAY), "market/timings")],
)
def test_route_that_fails_fails_the_read(call: Read, route: str) -> None:
    assert scripts.first_route(call) == route
    refused, routes = asked(call, **{route: NO_KEY})
    assert isinstance(refused, Failed)
    assert (refused.outcome, refused.status, routes) == (Outcome.REJECTED, 403, [route])
    silent, _ = asked(call, **{route: a_fault(Fault.CONNECT)})
    assert isinstance(silent, Failed)
    assert (silent.outcome, silent.status) == (Outcome.NOT_SENT, 0)
