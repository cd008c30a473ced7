"""Every exchange captured on a running OpenAlgo 2.0.2.1, decoded by this client."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from broker import errors, wire, wire_account, wire_frames, wire_market, wire_orders
from broker.asks import HttpAnswer
from broker.dialogue import Dialogue
from domain.books import Status
from domain.calls import StreamState
from domain.errors import BrokerError, Rejected, Unknown
from domain.market import Source
from domain.units import Day, Micros, Symbol
from tests.broker.build import AT
from tests.shared import shared_path

REST = ("rest_orders", "rest_account", "rest_data", "rest_errors")
FILES = tuple(f"fixtures/openalgo/{name}.json" for name in (*REST, "ws_frames", "quirks"))
WRITES = {"placeorder", "modifyorder", "cancelorder"}
pytestmark = pytest.mark.needs_shared(*FILES)


def load(name: str) -> list[Any]:
    return list(json.loads(shared_path(f"fixtures/openalgo/{name}.json").read_text("utf-8")))


def exchanges() -> Iterator[Any]:
    """Yield every captured REST exchange with a JSON answer, those of the quirks too."""
    for name in REST:
        yield from load(name)
    for quirk in load("quirks"):
        yield from (step for step in quirk["steps"] if "request" in step)


def named(name: str) -> Any:
    return next(each for file in REST for each in load(file) if each["name"] == name)


def answer_of(exchange: Any) -> HttpAnswer:
    body = exchange["response"]["body"]
    raw = body if isinstance(body, str) else json.dumps(body)
    return HttpAnswer(status=exchange["response"]["status"], body=raw.encode())


def route_of(exchange: Any) -> str:
    path: str = exchange["request"]["path"]
    return path.removeprefix("/api/v1/").strip("/")


def body_of(name: str) -> wire.Body:
    return errors.read(answer_of(named(name)))


def test_every_captured_refusal_of_a_write_has_the_class_of_the_design() -> None:
    """Nothing of ours is UNKNOWN but what the design leaves open, and nothing else is REJECTED."""
    found = {}
    for each in exchanges():
        answer = answer_of(each)
        if route_of(each) in WRITES and answer.status != 200:
            with pytest.raises(BrokerError) as caught:
                errors.written(answer)
            found[each["name"]] = caught.value
    unknown = {name for name, error in found.items() if isinstance(error, Unknown)}
    assert len(found) > 30
    assert not {name for name in unknown if name.startswith("placeorder")}
    assert "malformed_json_placeorder" in unknown
    assert {"cancelorder_twice", "cancelorder_unknown_order", "live_cancelorder_twice"} <= unknown
    codes = {name: error.code for name, error in found.items() if isinstance(error, Rejected)}
    assert codes["placeorder_insufficient_funds"] == "FUNDS"
    assert codes["placeorder_quantity_not_multiple_of_lot"] == "LOT"
    assert codes["live_broker_refusal"] == "FREEZE"
    assert codes["placeorder_mis_after_square_off"] == "MIS_CLOCK"
    assert codes["placeorder_unknown_symbol"] == "SYMBOL"
    assert codes["placeorder_sl_without_trigger"] == "PRICE"
    assert codes["placeorder_cnc_on_nfo"] == "PRODUCT"
    assert codes["placeorder_missing_symbol"] == codes["placeorder_sl_l_refused"] == "SCHEMA"
    assert codes["modifyorder_missing_trigger_price"] == "SCHEMA"
    assert codes["placeorder_bad_key"] == "DENIED"


def test_every_captured_success_of_a_write_is_acknowledged() -> None:
    accepted = [
        wire_orders.orderid(errors.written(answer_of(each)))
        for each in exchanges()
        if route_of(each) in WRITES
        and each["response"]["status"] == 200
        and "pending_order_id" not in each["response"]["body"]
    ]
    assert len(accepted) > 20


def test_every_captured_read_answers_or_refuses() -> None:
    seen = 0
    for each in exchanges():
        answer = answer_of(each)
        if route_of(each) in WRITES or each["response"]["content_type"] != "application/json":
            continue
        seen += 1
        if answer.status == 200:
            assert errors.read(answer)["status"] == "success"
        else:
            with pytest.raises(BrokerError):
                errors.read(answer)
    assert seen > 60


def test_every_captured_book_is_read() -> None:
    readers: dict[str, Callable[[wire.Body], tuple[Any, ...]]] = {
        "orderbook": wire_orders.order_rows,
        "tradebook": wire_orders.trade_rows,
        "positionbook": wire_orders.position_rows,
    }
    rows = [
        row
        for each in exchanges()
        if (route := route_of(each)) in readers and each["response"]["status"] == 200
        for row in readers[route](errors.read(answer_of(each)))
    ]
    assert len(rows) >= 10
    assert all(getattr(row, "status", None) is not Status.UNKNOWN for row in rows)


def test_captured_account_is_read() -> None:
    assert wire_account.broker_name(body_of("ping")) == "localsim"
    assert wire_account.server_mode(body_of("analyzer_status")) == "analyze"
    assert wire_account.available_cash(body_of("funds_one_short")) == 999_025_000
    assert wire_account.available_cash(body_of("live_funds")) == 100_000_000
    assert wire_account.margin_total(body_of("margin")) == 9_750_000
    assert wire_account.is_open(body_of("market_timings_weekday"), "NFO")
    assert not wire_account.is_open(body_of("market_timings_saturday"), "NFO")


def test_captured_market_data_is_read() -> None:
    option = (Symbol("NIFTY24NOV2626000CE"), "NFO")
    one_bad = body_of("multiquotes_one_bad")
    quotes = wire_market.quotes(one_bad, [option, (Symbol("NOPE"), "NFO")], AT, AT)
    assert [(quote.symbol, quote.ltp, quote.ask) for quote in quotes.quotes] == [
        (option[0], 15595, 15600)
    ]
    assert quotes.missing[0][0] == "NOPE"
    bars = wire_market.bars(body_of("history_1m"), option[0])
    assert len(bars) == len(named("history_1m")["response"]["body"]["data"])
    assert bars[0].minute == Micros(1_795_146_300_000_000)
    assert wire_market.bars(body_of("history_end_before_start"), option[0]) == ()
    expiry = wire_market.nearest_expiry(body_of("expiry_options"), Day("2026-11-25"))
    assert expiry == "2026-12-01"


def test_every_captured_frame_is_understood() -> None:
    frames = [
        json.dumps(frame).encode() for each in load("ws_frames") for frame in each["received"]
    ]
    kinds = {type(wire_frames.decode(frame)).__name__ for frame in frames}
    assert kinds == {
        "MarketData",
        "OrderUpdate",
        "AuthResult",
        "UnsubscribeResult",
        "SubscribeResult",
        "Pong",
        "Refusal",
        "Aside",
    }


def test_captured_prices_and_pushes_become_values() -> None:
    entries = load("ws_frames")
    frames = [json.dumps(frame).encode() for each in entries for frame in each["received"]]
    prices = [f for f in map(wire_frames.decode, frames) if isinstance(f, wire_frames.MarketData)]
    pairs = {(Symbol(frame.symbol), frame.exchange) for frame in prices}
    dialogue = Dialogue(Source.PRIMARY, 1, "TEST-API-KEY", pairs, 50)
    heard = [dialogue.on_frame(frame, AT) for frame in frames if b"_update" in frame]
    assert [push.status.value for each in heard for push in each.pushes][:2] == ["open", "complete"]
    ticks = [wire_frames.tick(frame, AT, Source.PRIMARY, 1, 1) for frame in prices]
    assert all(tick.ltp > 0 for tick in ticks)
    assert {tick.cum_volume is None for tick in ticks} == {True, False}


def test_captured_conversation_leads_to_ready_with_the_bad_symbol_named() -> None:
    entries = {each["name"]: each for each in load("ws_frames")}
    auth = entries["authenticate"]["received"][0]
    partial = entries["subscribe_quote_several_one_bad"]["received"]
    pairs = [(Symbol(n), "NFO") for n in ("NIFTY24NOV2626000CE", "NIFTY24NOV2625800PE", "NOPE")]
    dialogue = Dialogue(Source.PRIMARY, 1, "TEST-API-KEY", pairs, 50)
    dialogue.on_open()
    frames = [json.dumps(frame).encode() for frame in (auth, *partial)]
    heard = [dialogue.on_frame(frame, AT) for frame in frames]
    change = heard[1].change
    assert change is not None
    assert (change.state, change.subscribed, change.refused) == (StreamState.READY, 2, ("NOPE",))
    assert sum(len(each.ticks) for each in heard) == len(partial) - 1
