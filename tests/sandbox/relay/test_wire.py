"""What a server says is read by its digits, with whatever brokers leave out or write as text."""

import json
from typing import Any

import pytest

from domain.session import instant
from domain.units import Day
from sandbox.kinds import Level, Shown
from sandbox.market.live import Seen
from sandbox.relay import wire
from sandbox.relay.wire import Unreadable

CALL = "NIFTY23NOV2626000CE"


def a_seen(**fields: Any) -> Seen:
    return Seen(**fields)


def a_level(*fields: Any) -> Level:
    return Level(*fields)


def a_frame(exchange: str = "NFO", **data: Any) -> str:
    said = {"ltp": 149.95} | data
    return json.dumps(
        {"type": "market_data", "symbol": CALL, "exchange": exchange, "mode": 3, "data": said}
    )


def body(**fields: Any) -> bytes:
    return json.dumps({"status": "success", **fields}).encode()


def test_price_is_read_with_everything_a_broker_says() -> None:
    step = {"price": 149.9, "quantity": 650, "orders": 4}
    nothing = {"price": 0, "quantity": 0, "orders": 0}
    depth = {"buy": [step, nothing], "sell": [dict(step, price="150.05", orders=None)]}
    frame = a_frame(
        volume=1300.0, last_quantity="65", open=140, high=151.5, low=139.05, close=141.2, oi=77,
        depth=depth, average_price=149.0, mode="full", ltt=1795059900123, timestamp="x",
    )  # fmt: skip
    assert wire.price(frame) == a_seen(
        symbol=CALL, exchange="NFO", ltp=14_995, volume=1300, last_quantity=65, open=14_000,
        high=15_150, low=13_905, prev_close=14_120, oi=77,
        shown=Shown((a_level(14_990, 650, 4),), (a_level(15_005, 650, 0),)),
        traded_at=1_795_059_900_123_000,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("said", "read"),
    [
        (1_795_059_900_123, 1_795_059_900_123_000), ("1795059900", 1_795_059_900_000_000),
        (1_795_059_900.9, 1_795_059_900_000_000), (0, None), (None, None), ("10:15:00", None),
        ([1], None), (5, None), (-1_795_059_900, None), (10**14, None),
    ],
)  # fmt: skip
def test_time_of_a_trade_is_read_where_it_is_one(said: object, read: int | None) -> None:
    assert wire.price(a_frame(ltt=said)).traded_at == read


def test_price_alone_is_enough_and_may_be_text() -> None:
    assert wire.price(a_frame(ltp="149.955")) == a_seen(symbol=CALL, exchange="NFO", ltp=14_996)
    said = wire.price(a_frame(volume=None, open=0, close=0.0, depth=None))
    assert said == a_seen(symbol=CALL, exchange="NFO", ltp=14_995)


def test_book_of_zeros_is_no_book_but_one_empty_side_is() -> None:
    zero = {"price": 0, "quantity": 0}
    assert wire.price(a_frame(depth={"buy": [zero], "sell": [zero]})).shown is None
    one_sided = wire.price(a_frame(depth={"buy": [], "sell": [{"price": 1, "quantity": 65}]}))
    assert one_sided.shown == Shown((), (a_level(100, 65, 0),))


def test_index_has_no_volume_whatever_is_said() -> None:
    said = wire.price(a_frame("NSE_INDEX", volume=5, last_quantity=5))
    assert (said.volume, said.last_quantity) == (None, None)


@pytest.mark.parametrize(
    "frame",
    [
        a_frame(ltp=0), a_frame(ltp=-1), a_frame(ltp="NaN"), a_frame(ltp=None), a_frame(ltp=1e300),
        a_frame(volume=-1), a_frame(volume=1.5), a_frame(volume="many"), a_frame(depth=[1]),
        "{", "[]", '{"symbol": "X"}', b"\xff",
    ],
)  # fmt: skip
def test_nonsense_is_unreadable(frame: str | bytes) -> None:
    with pytest.raises(Unreadable):
        wire.price(frame)


def a_side(**more: Any) -> dict[str, Any]:
    quote = {"ltp": 150.0, "bid": 149.9, "ask": 150.1, "bid_qty": 65, "ask_qty": 130}
    return {"symbol": CALL, "lotsize": 65, "tick_size": 0.05, "volume": 1, "oi": 2} | quote | more


def test_chain_is_read_option_by_option() -> None:
    rows = [
        {"strike": 26000.0, "ce": a_side(), "pe": None},
        {"strike": 26050, "ce": a_side(volume=-1), "pe": a_side(symbol="P", bid=None, ask=0)},
    ]
    said = wire.chain(body(atm_strike=26000.0, chain=rows), "NFO")
    assert said.atm == 2_600_000
    first, second = said.options
    assert (first.strike, first.lot, first.tick) == (2_600_000, 65, 5)
    assert first.seen == a_seen(
        symbol=CALL, exchange="NFO", ltp=15_000, volume=1, oi=2,
        shown=Shown((a_level(14_990, 65, 1),), (a_level(15_010, 130, 1),)),
    )  # fmt: skip
    assert (second.seen.symbol, second.seen.shown) == ("P", None)


def test_quotes_leave_out_what_failed() -> None:
    good = {"symbol": "NIFTY", "exchange": "NSE_INDEX", "data": {"ltp": "26000.05", "volume": 9}}
    bad = {"symbol": "X", "exchange": "NFO", "error": "no such symbol"}
    odd = {"symbol": "Y", "exchange": "NFO", "data": {"ltp": 1, "volume": -1}}
    found = wire.quotes(body(results=[bad, odd, good]))
    assert found == {
        ("NIFTY", "NSE_INDEX"): a_seen(symbol="NIFTY", exchange="NSE_INDEX", ltp=2_600_005)
    }


def test_bars_are_named_by_their_start() -> None:
    at_s = instant(Day("2026-11-19"), "09:15") // 1_000_000
    row = {"timestamp": at_s, "open": 1, "high": 2.5, "low": 0.05, "close": "2", "volume": 65}
    (bar,) = wire.bars(body(data=[row]))
    assert (bar.minute, bar.open, bar.high, bar.low) == (at_s * 1_000_000, 100, 250, 5)
    assert (bar.close, bar.volume, bar.oi) == (200, 65, 0)
    assert wire.bars(body(data=[])) == ()
    with pytest.raises(Unreadable):
        wire.bars(body(data={}))


def test_expiries_and_broker_are_read() -> None:
    assert wire.expiries(body(data=["24-NOV-26", "17NOV26"])) == ("2026-11-17", "2026-11-24")
    with pytest.raises(Unreadable):
        wire.expiries(body(data=["soon"]))
    assert wire.broker(body(data={"message": "pong", "broker": "zerodha"})) == "zerodha"
