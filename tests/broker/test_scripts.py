import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from broker import scripts
from broker.asks import Fault, HttpAnswer
from domain import clock
from domain.books import Books
from domain.calls import (
    ChainRead,
    Failed,
    History,
    MarginRead,
    Outcome,
    Preflight,
    Quotes,
    Read,
    ReadBooks,
    ReadChain,
    ReadHistory,
    ReadMargin,
    ReadQuotes,
    Ready,
    Write,
    WriteReply,
)
from domain.units import SECOND, Day, Micros, Paise
from tests.broker.build import (
    AT,
    CALL,
    a_cancel,
    a_fault,
    a_limit,
    a_modify,
    a_place,
    a_ticket,
    an_answer,
)
from tests.broker.drive import Server, books, drive, ok, read

DAY = Day("2026-11-19")
SEMI_AUTO = {"status": "success", "mode": "semi_auto", "pending_order_id": 2, "message": "queued"}
NO_KEY = an_answer({"status": "error", "message": "Invalid openalgo apikey"}, 403)


class Steps:
    """A clock that moves 10 ms each time it is read."""

    def __init__(self) -> None:
        self.at = AT

    def now(self) -> Micros:
        self.at = Micros(self.at + 10_000)
        return self.at

    def machine(self) -> Micros:
        return self.at


@pytest.fixture(autouse=True)
def steps() -> Iterator[Steps]:
    steps = Steps()
    clock.use(steps)
    yield steps
    clock.use(clock.WallClock())


def wrote(call: Write, answer: object, mode: str = "analyze") -> WriteReply:
    server = Server(dict.fromkeys(("placeorder", "modifyorder", "cancelorder"), answer))
    reply = drive(scripts.write(call, mode), server)
    assert [ask.retry for ask in server.asks] == [False]
    assert reply.route == server.asks[0].route
    return reply


def test_accepted_order_is_done_not_filled() -> None:
    reply = wrote(a_place(ref="i7"), {"status": "success", "orderid": "26", "mode": "analyze"})
    assert reply == WriteReply(
        ref="i7",
        route="placeorder",
        outcome=Outcome.DONE,
        at=Micros(AT + 10_000),
        status=200,
        orderid="26",
        mode="analyze",
    )


def test_modify_and_cancel_are_acknowledged_too() -> None:
    said = {"status": "success", "orderid": "26", "message": "Order modified successfully"}
    for call in (a_modify(), a_cancel()):
        reply = wrote(call, said, mode="live")
        assert (reply.outcome, reply.mode, reply.text) == (Outcome.DONE, "", said["message"])


@pytest.mark.parametrize(
    "odd",
    [
        {"orderid": {"id": 1}},
        {"orderid": "1", "mode": {}},
        {"orderid": "1", "mode": ["x" * 999]},
    ],
)
def test_success_with_an_id_that_cannot_be_read_may_be_an_order(odd: dict[str, object]) -> None:
    reply = wrote(a_place(), {"status": "success", **odd})
    assert (reply.outcome, reply.code, reply.orderid) == (Outcome.UNKNOWN, "BODY", "")


@pytest.mark.incident("INC-39")
@pytest.mark.parametrize(
    ("body", "code"),
    [
        (SEMI_AUTO, "SEMI_AUTO"),
        ({"status": "success", "mode": "analyze"}, "NO_ORDERID"),
        ({"status": "success", "orderid": ""}, "NO_ORDERID"),
    ],
)
def test_success_without_an_order_id_is_no_acknowledgement(body: object, code: str) -> None:
    reply = wrote(a_place(), body)
    assert (reply.outcome, reply.code, reply.orderid) == (Outcome.NONSENSE, code, "")


@pytest.mark.parametrize(("said", "expected"), [({}, "analyze"), ({"mode": "analyze"}, "live")])
def test_success_in_the_other_world_is_nonsense_that_names_the_order(
    said: dict[str, str], expected: str
) -> None:
    reply = wrote(a_place(), {"status": "success", "orderid": "26"} | said, expected)
    assert (reply.outcome, reply.code, reply.orderid) == (Outcome.NONSENSE, "MODE", "26")


@pytest.mark.parametrize(
    ("answer", "outcome", "code", "status"),
    [
        (NO_KEY, Outcome.REJECTED, "DENIED", 403),
        (an_answer({"message": "10 per 1 second"}, 429), Outcome.NOT_SENT, "RATE", 429),
        (a_fault(Fault.CONNECT), Outcome.NOT_SENT, "CONNECT", 0),
        (a_fault(Fault.TIMEOUT), Outcome.UNKNOWN, "TIMEOUT", 0),
        (a_fault(Fault.RESET), Outcome.UNKNOWN, "RESET", 0),
        (an_answer(b"<html>", 502), Outcome.UNKNOWN, "HTTP_502", 502),
        (an_answer(b"<html>"), Outcome.UNKNOWN, "BODY", 200),
    ],
)
def test_failed_write_says_what_is_known(
    answer: HttpAnswer, outcome: Outcome, code: str, status: int
) -> None:
    for call in (a_place(), a_modify(), a_cancel()):
        reply = wrote(call, answer)
        assert (reply.outcome, reply.code, reply.status) == (outcome, code, status)


def test_order_the_encoder_refuses_never_leaves() -> None:
    server = Server({})
    ticket = msgspec.structs.replace(a_ticket(), pricetype="MARKET")
    reply = drive(scripts.write(a_place(ticket), "analyze"), server)
    assert (reply.outcome, reply.code, server.asks) == (Outcome.REJECTED, "UNSENDABLE", [])


def test_replies_of_a_shell_that_could_not_carry_the_call() -> None:
    late, lost = scripts.not_sent(a_place(ref="a"), "late"), scripts.lost(a_modify(), "died")
    assert (late.ref, late.route, late.text) == ("a", "placeorder", "late")
    assert (late.outcome, lost.outcome) == (Outcome.NOT_SENT, Outcome.UNKNOWN)
    assert (lost.route, lost.text) == ("modifyorder", "died")
    assert scripts.unread(ReadBooks(), "closed").outcome is Outcome.NOT_SENT


def test_books_are_three_reads_in_this_order_with_their_times(steps: Steps) -> None:
    server = Server(books())
    read = drive(scripts.read(ReadBooks()), server)
    assert isinstance(read, Books)
    assert server.routes == ["orderbook", "tradebook", "positionbook"]
    assert [ask.retry for ask in server.asks] == [True, True, True]
    assert (read.asked_at, read.got_at, read.mode) == (AT + 10_000, AT + 20_000, "analyze")
    counts = (len(read.orders), len(read.trades), len(read.positions))
    assert counts == (1, 1, 1)


def test_books_without_a_mode_are_live_and_mixed_ones_are_refused() -> None:
    live = read(ReadBooks(), **books(mode={}))
    assert isinstance(live, Books)
    assert live.mode == "live"
    mixed = read(ReadBooks(), **books(tradebook=ok([])))
    assert isinstance(mixed, Failed)
    assert mixed.outcome is Outcome.NONSENSE


@pytest.mark.parametrize(
    ("answer", "outcome", "status"),
    [
        (NO_KEY, Outcome.REJECTED, 403),
        (an_answer(b"", 500), Outcome.UNKNOWN, 500),
        (an_answer({}, 429), Outcome.NOT_SENT, 429),
        (a_fault(Fault.TIMEOUT), Outcome.UNKNOWN, 0),
        (an_answer(b"<html>"), Outcome.NONSENSE, 200),
        (ok(None), Outcome.NONSENSE, 200),
        (ok({}), Outcome.NONSENSE, 200),
    ],
)
def test_read_that_gives_nothing_usable_is_failed(
    answer: object, outcome: Outcome, status: int
) -> None:
    calls: list[tuple[Read, dict[str, Any]]] = [
        (ReadBooks(), books(positionbook=answer)),
        (ReadMargin(ticket=a_limit()), {"margin": answer}),
        (ReadHistory(symbol=CALL, exchange="NFO", day=DAY), {"history": answer}),
        (ReadQuotes(symbols=((CALL, "NFO"),)), {"multiquotes": answer}),
        (a_chain_call(), {"expiry": answer}),
        (Preflight(day=DAY), {"ping": answer}),
    ]
    for call, table in calls:
        failed = read(call, **table)
        assert isinstance(failed, Failed)
        assert failed.call == type(call).__name__
        assert (failed.outcome, failed.status) == (outcome, status)


def test_first_route_is_the_one_the_script_begins_with() -> None:
    calls: list[Read] = [
        ReadBooks(),
        ReadMargin(ticket=a_limit()),
        ReadHistory(symbol=CALL, exchange="NFO", day=DAY),
        ReadQuotes(symbols=((CALL, "NFO"),)),
        a_chain_call(),
        Preflight(day=DAY),
    ]
    assert [scripts.first_route(call) for call in calls] == [
        next(scripts.read(call)).route for call in calls
    ]


def test_quotes_and_their_absence_are_read() -> None:
    call = ReadQuotes(symbols=((CALL, "NFO"),))
    row = {"symbol": CALL, "exchange": "NFO", "data": {"ltp": 155.95}}
    found = read(call, multiquotes={"status": "success", "results": [row]})
    assert isinstance(found, Quotes)
    assert [quote.ltp for quote in found.quotes] == [15595]
    bad = {"symbol": CALL, "exchange": "NFO", "error": "gone"}
    said = {"status": "error", "message": "gone", "invalid_symbols": [bad]}
    none = read(call, multiquotes=an_answer(said, 400))
    assert none == Quotes(quotes=(), missing=((CALL, "gone"),))
    refused = read(call, multiquotes=an_answer({"status": "error", "message": "no"}, 400))
    assert isinstance(refused, Failed)
    assert refused.outcome is Outcome.REJECTED


def test_history_says_when_it_was_asked() -> None:
    row = {"timestamp": 1795146300, "open": 1, "high": 1, "low": 1, "close": 1, "volume": 65}
    found = read(ReadHistory(symbol=CALL, exchange="NFO", day=DAY), history=ok([row]))
    assert isinstance(found, History)
    assert (found.symbol, len(found.bars), found.asked_at) == (CALL, 1, AT + 10_000)


def test_margin_is_one_number() -> None:
    found = read(ReadMargin(ticket=a_limit()), margin=ok({"total_margin_required": "97500.00"}))
    assert found == MarginRead(total=Paise(9_750_000))


def a_chain_call(*points: int) -> ReadChain:
    strikes = tuple(Paise(point * 100) for point in points or (26000,))
    return ReadChain(underlying="NIFTY", exchange="NFO", day=DAY, strikes=strikes)


def master(asked: dict[str, str]) -> HttpAnswer:
    symbol = asked["symbol"]
    if "26050" in symbol or symbol.endswith("26100PE"):
        return an_answer({"status": "error", "message": f"Symbol {symbol} not found"}, 404)
    row = {"symbol": symbol, "name": "NIFTY", "expiry": "24-NOV-26", "strike": symbol[12:17]}
    return an_answer(ok(row | {"lotsize": 65, "tick_size": "0.05", "freeze_qty": 1800.0}))


def test_chain_asks_expiry_then_every_strike_on_both_sides() -> None:
    server = Server({"expiry": ok(["24-NOV-26", "01-DEC-26"]), "symbol": master})
    found = drive(scripts.read(a_chain_call(26000, 26050, 26100)), server)
    assert server.routes == ["expiry"] + ["symbol"] * 6
    assert server.body(1) == {"symbol": "NIFTY24NOV2626000CE", "exchange": "NFO"}
    assert isinstance(found, ChainRead)
    assert (found.expiry, found.missing) == ("2026-11-24", ("26050.00",))
    assert [contract.symbol for contract in found.contracts] == [
        "NIFTY24NOV2626000CE",
        "NIFTY24NOV2626000PE",
        "NIFTY24NOV2626100CE",
    ]


def test_contract_that_disagrees_is_left_out() -> None:
    row = {"symbol": CALL, "name": "NIFTY", "expiry": "01-DEC-26", "strike": 26000}
    found = read(a_chain_call(), expiry=ok(["24-NOV-26"]), symbol=ok(row))
    assert isinstance(found, ChainRead)
    assert (found.contracts, found.missing) == ((), ("26000.00",))


@pytest.mark.parametrize(
    "answer", [NO_KEY, an_answer({"status": "error", "message": "Not found", "path": "/"}, 404)]
)
def test_chain_fails_if_the_master_cannot_be_asked(answer: HttpAnswer) -> None:
    found = read(a_chain_call(), expiry=ok(["24-NOV-26"]), symbol=answer)
    assert isinstance(found, Failed)
    assert found.outcome is Outcome.REJECTED


def test_strike_without_a_spelling_is_our_bug() -> None:
    found = read(a_chain_call(-100), expiry=ok(["24-NOV-26"]))
    assert isinstance(found, Failed)
    assert found.outcome is Outcome.REJECTED


def preflight(mode: str = "analyze", **changed: object) -> Server:
    table: dict[str, object] = {
        "ping": ok({"message": "pong", "broker": "localsim"}),
        "analyzer": ok({"mode": mode, "analyze_mode": mode == "analyze"}),
        "funds": ok({"availablecash": "1000000.00"}),
        "market/timings": ok([{"exchange": "NFO", "start_time": 1, "end_time": 2}]),
        "cancelorder": an_answer({"status": "error", "message": "Order 0 not found"}, 404),
    }
    return Server(table | changed)


def test_preflight_of_the_analyzer_touches_no_order_route() -> None:
    server = preflight()
    ready = drive(scripts.read(Preflight(day=DAY)), server)
    assert server.routes == ["ping", "analyzer", "funds", "market/timings"]
    assert server.body(3) == {"date": "2026-11-19"}
    assert ready == Ready(
        broker="localsim",
        mode="analyze",
        skew=Micros(0),
        available=Paise(100_000_000),
        semi_auto=False,
        nfo_open=True,
        at=Micros(AT + 20_000),
    )


def test_preflight_reads_the_skew_from_the_date_of_the_ping() -> None:
    pong = json.dumps(ok({"message": "pong", "broker": "x"})).encode()
    ping = an_answer(pong, server_at=Micros(AT + 3 * SECOND))
    ready = drive(scripts.read(Preflight(day=DAY)), preflight(ping=ping))
    assert isinstance(ready, Ready)
    assert ready.skew == 3 * SECOND + SECOND // 2 - 10_000


@pytest.mark.parametrize(
    ("answer", "semi_auto"),
    [
        (an_answer({"status": "error", "message": "Blocked in Semi-Auto mode"}, 403), True),
        (an_answer({"status": "error", "message": "Order 0 not found"}, 404), False),
        (
            an_answer({"status": "error", "message": "Order not found or not cancellable"}, 400),
            False,
        ),
        (an_answer({"status": "error", "message": "broker down"}, 500), False),
        ({"status": "success", "orderid": "0"}, False),
    ],
)
def test_live_preflight_asks_whether_orders_wait_for_a_human(
    answer: object, semi_auto: bool
) -> None:
    server = preflight("live", cancelorder=answer)
    ready = drive(scripts.read(Preflight(day=DAY)), server)
    assert isinstance(ready, Ready)
    assert (ready.mode, ready.semi_auto) == ("live", semi_auto)
    assert server.body(4)["orderid"] == "0"
    assert not server.asks[4].retry


@pytest.mark.parametrize(
    "answer",
    [
        NO_KEY,
        an_answer({}, 429),
        a_fault(Fault.CONNECT),
        a_fault(Fault.TIMEOUT),
        a_fault(Fault.RESET),
    ],
)
def test_unanswered_question_about_order_mode_fails_the_preflight(answer: HttpAnswer) -> None:
    found = drive(scripts.read(Preflight(day=DAY)), preflight("live", cancelorder=answer))
    assert isinstance(found, Failed)


def test_closed_exchange_is_read_from_the_calendar() -> None:
    server = preflight()
    server.table["market/timings"] = ok([{"exchange": "MCX"}])
    ready = drive(scripts.read(Preflight(day=DAY)), server)
    assert isinstance(ready, Ready)
    assert not ready.nfo_open
