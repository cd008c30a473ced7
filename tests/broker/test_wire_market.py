import json
from typing import Any

import msgspec
import pytest

from broker import wire_market
from domain.calls import ReadChain, ReadHistory
from domain.contracts import Contract, Side
from domain.errors import WireError
from domain.market import HistoryBar, Quote
from domain.symbols import OptionSymbol
from domain.units import Day, Micros, Paise, Symbol, Units
from tests.broker.build import AT, CALL

LATER = Micros(AT + 40_000)
NIFTY = Symbol("NIFTY")
DATA = {
    "ask": 156.0,
    "bid": 155.9,
    "high": 157.51,
    "low": 154.29,
    "ltp": 155.95,
    "oi": 650000,
    "open": 155.85,
    "prev_close": 158.5,
    "volume": 2222285,
}
WANTED = OptionSymbol(name="NIFTY", expiry=Day("2026-11-24"), strike=Paise(2_600_000), side=Side.CE)


def a_quote(**changed: Any) -> Quote:
    quote = Quote(
        symbol=CALL,
        exchange="NFO",
        ltp=Paise(15595),
        bid=Paise(15590),
        ask=Paise(15600),
        open=Paise(15585),
        high=Paise(15751),
        low=Paise(15429),
        prev_close=Paise(15850),
        volume=Units(2222285),
        oi=Units(650000),
        asked_at=AT,
        got_at=LATER,
    )
    return msgspec.structs.replace(quote, **changed)


def a_row(**changed: Any) -> dict[str, Any]:
    return {"symbol": CALL, "exchange": "NFO", "data": DATA} | changed


def a_bar_row(**changed: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "timestamp": 1795146300,
        "open": 155.3,
        "high": 155.85,
        "low": 155.3,
        "close": 155.85,
    }
    return row | {"volume": 650, "oi": 1} | changed


def a_master_row(**changed: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "symbol": CALL,
        "name": "NIFTY",
        "exchange": "NFO",
        "expiry": "24-NOV-26",
    }
    row |= {"strike": 26000.0, "lotsize": 65, "tick_size": 0.05, "freeze_qty": 1800}
    return row | {"instrumenttype": "CE", "token": "1047"} | changed


def quotes_of(*rows: Any, pairs: Any = ((CALL, "NFO"),)) -> Any:
    answer = {"status": "success", "results": list(rows)}
    return wire_market.quotes(answer, pairs, AT, LATER)


def test_bodies_are_what_the_server_asks_for() -> None:
    chain = ReadChain(underlying="NIFTY", exchange="NFO", day=Day("2026-11-19"), strikes=())
    history = ReadHistory(symbol=CALL, exchange="NFO", day=Day("2026-11-19"))
    bodies = [
        wire_market.symbol_body(CALL, "NFO"),
        wire_market.quotes_body([(CALL, "NFO"), (NIFTY, "NSE_INDEX")]),
        wire_market.expiry_body(chain),
        wire_market.history_body(history),
    ]
    assert [json.loads(body) for body in bodies] == [
        {"symbol": CALL, "exchange": "NFO"},
        {
            "symbols": [
                {"symbol": CALL, "exchange": "NFO"},
                {"symbol": "NIFTY", "exchange": "NSE_INDEX"},
            ]
        },
        {"symbol": "NIFTY", "exchange": "NFO", "instrumenttype": "options"},
        {
            "symbol": CALL,
            "exchange": "NFO",
            "interval": "1m",
            "start_date": "2026-11-19",
            "end_date": "2026-11-19",
        },
    ]


def test_quotes_are_matched_by_symbol_and_exchange_not_by_order() -> None:
    index: dict[str, Any] = {
        "ask": 0,
        "bid": 0,
        "high": 26255.4,
        "low": 25732.38,
        "ltp": 25995.45,
        "oi": 0,
    }
    index |= {"open": 25992.3, "prev_close": 26002.5, "volume": 0}
    bad = {"symbol": "NOPE", "exchange": "NFO", "error": "Symbol 'NOPE' not found"}
    found = quotes_of(
        bad,
        {"symbol": "NIFTY", "exchange": "NSE_INDEX", "data": index},
        a_row(exchange="BFO", data=DATA | {"ltp": 1}),
        a_row(),
        pairs=((CALL, "NFO"), (NIFTY, "NSE_INDEX"), (Symbol("NOPE"), "NFO"), (Symbol("X"), "NFO")),
    )
    assert found.quotes[0] == a_quote()
    assert (found.quotes[1].symbol, found.quotes[1].ltp, found.quotes[1].bid) == (NIFTY, 2599545, 0)
    assert found.missing == (("NOPE", "Symbol 'NOPE' not found"), ("X", "not in the answer"))


def test_quote_of_texts_and_gaps_is_read() -> None:
    data = {"ltp": "155.95", "bid": None, "ask": "", "volume": "2222285.0", "oi": None}
    (quote,) = quotes_of(a_row(data=data)).quotes
    prices = {"open": 0, "high": 0, "low": 0, "prev_close": 0, "bid": 0, "ask": 0}
    assert quote == a_quote(**prices, oi=0)


@pytest.mark.parametrize(
    "data", [None, {}, [], "x", DATA | {"ltp": None}, DATA | {"volume": 0.5}, DATA | {"bid": "x"}]
)
def test_quote_that_cannot_be_read_is_missing_and_spoils_no_other(data: object) -> None:
    found = quotes_of(
        a_row(data=data),
        {"symbol": "NIFTY", "exchange": "N", "data": DATA},
        pairs=((CALL, "NFO"), (NIFTY, "N")),
    )
    assert [symbol for symbol, _ in found.missing] == [CALL]
    assert [quote.symbol for quote in found.quotes] == [NIFTY]


@pytest.mark.parametrize("results", [None, {}, "", [None], [[]], [{"symbol": {}}]])
def test_quotes_that_are_no_list_of_rows_are_refused(results: object) -> None:
    with pytest.raises(WireError):
        wire_market.quotes({"results": results}, [(CALL, "NFO")], AT, LATER)


def test_all_bad_symbols_are_all_missing() -> None:
    answer = {"invalid_symbols": [{"symbol": CALL, "exchange": "NFO", "error": "not found"}]}
    found = wire_market.quotes(answer, [(CALL, "NFO")], AT, LATER)
    assert (found.quotes, found.missing) == ((), ((CALL, "not found"),))


def test_history_rows_come_out_by_minute() -> None:
    rows = [a_bar_row(timestamp=1795146360), a_bar_row(volume="650", open="155.30")]
    bars = wire_market.bars({"data": rows}, CALL)
    assert [bar.minute for bar in bars] == [1_795_146_300_000_000, 1_795_146_360_000_000]
    assert bars[0] == HistoryBar(
        minute=Micros(1_795_146_300_000_000),
        open=Paise(15530),
        high=Paise(15585),
        low=Paise(15530),
        close=Paise(15585),
        volume=Units(650),
    )


@pytest.mark.parametrize(
    "bad",
    [
        a_bar_row(timestamp=1795146301),
        a_bar_row(timestamp="2026-11-20T09:15"),
        a_bar_row(close=None),
        a_bar_row(high="x"),
        a_bar_row(volume=0.5),
        None,
        [],
    ],
)
def test_bad_history_row_is_dropped_alone(bad: object) -> None:
    assert len(wire_market.bars({"data": [bad, a_bar_row()]}, CALL)) == 1


@pytest.mark.parametrize("data", [None, {}, "", {"data": []}])
def test_history_that_is_no_list_is_an_error_not_an_empty_day(data: object) -> None:
    with pytest.raises(WireError):
        wire_market.bars({"data": data}, CALL)
    assert wire_market.bars({"data": []}, CALL) == ()


@pytest.mark.parametrize(
    ("day", "expiry"),
    [("2026-11-19", "2026-11-24"), ("2026-11-24", "2026-11-24"), ("2026-11-25", "2026-12-01")],
)
def test_nearest_expiry_is_today_or_the_next(day: str, expiry: str) -> None:
    answer = {"data": ["01-DEC-26", "24-NOV-26", "17-NOV-26"]}
    assert wire_market.nearest_expiry(answer, Day(day)) == expiry


@pytest.mark.parametrize("data", [None, {}, [], ["17-NOV-26"], ["soon"], [None], [{}]])
def test_no_usable_expiry_is_refused(data: object) -> None:
    with pytest.raises(WireError):
        wire_market.nearest_expiry({"data": data}, Day("2026-11-19"))


def test_master_row_becomes_a_contract() -> None:
    assert wire_market.contract({"data": a_master_row()}, WANTED, "NFO") == Contract(
        symbol=CALL,
        exchange="NFO",
        underlying="NIFTY",
        expiry=Day("2026-11-24"),
        strike=Paise(2_600_000),
        side=Side.CE,
        lot=Units(65),
        tick=Paise(5),
        freeze=Units(1800),
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"symbol": "NIFTY24NOV2626000PE"},
        {"name": "BANKNIFTY"},
        {"expiry": "01-DEC-26"},
        {"expiry": ""},
        {"expiry": None},
        {"strike": 26050},
        {"strike": None},
        {"lotsize": 0},
        {"lotsize": None},
        {"tick_size": 0},
        {"tick_size": "x"},
        {"freeze_qty": -1},
    ],
)
def test_master_row_that_disagrees_is_no_contract(changed: dict[str, object]) -> None:
    with pytest.raises(WireError):
        wire_market.contract({"data": a_master_row(**changed)}, WANTED, "NFO")


def test_strike_that_exists_on_no_side_is_missing() -> None:
    strikes = (Paise(2_600_000), Paise(2_605_050))
    call = ReadChain(underlying="NIFTY", exchange="NFO", day=Day("2026-11-19"), strikes=strikes)
    contract = wire_market.contract({"data": a_master_row()}, WANTED, "NFO")
    read = wire_market.chain(call, WANTED.expiry, [contract])
    assert (read.contracts, read.missing) == ((contract,), ("26050.50",))
