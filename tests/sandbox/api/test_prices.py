"""Quotes, depth and history by REST."""

from typing import Any

import pytest

from domain.session import instant
from domain.units import Units
from sandbox.kinds import TimingLine
from tests.sandbox.api.asking import asked_of, error, post
from tests.sandbox.stage import CALL, DAY, INDEX, StagedExchange, a_bar, a_quote

NOPE = (
    "Symbol 'NOPE' not found for exchange 'NFO'. Please verify the symbol name and ensure master "
    "contracts are downloaded."
)
QUOTE = {
    "ltp": 155.95,
    "bid": 155.9,
    "ask": 156.0,
    "open": 155.85,
    "high": 157.51,
    "low": 154.29,
    "prev_close": 158.5,
    "volume": 2222285,
    "oi": 650000,
}


def history(exchange: StagedExchange, **changes: Any) -> tuple[int, dict[str, Any]]:
    asked = {
        "symbol": CALL,
        "exchange": "NFO",
        "interval": "1m",
        "start_date": DAY,
        "end_date": DAY,
    }
    return asked_of(exchange, "history", **(asked | changes))


def a_morning(minutes: int = 20) -> StagedExchange:
    exchange = StagedExchange()
    walls = [f"09:{15 + n:02}" for n in range(minutes)]
    exchange.bars = tuple(a_bar(wall, close=15_000 + 5 * n) for n, wall in enumerate(walls))
    exchange.hours = (
        TimingLine(exchange="NFO", start=instant(DAY, "09:15"), end=instant(DAY, "15:40")),
    )
    return exchange


def test_quote_has_no_time() -> None:
    said = post("quotes", symbol=CALL, exchange="NFO")
    assert said == (200, {"status": "success", "data": QUOTE})


def test_index_has_neither_bid_nor_ask() -> None:
    _, body = post("quotes", symbol=INDEX, exchange="NSE_INDEX")
    quote = {"ltp": 25995.45, "bid": 0, "ask": 0, "volume": 0, "oi": 0}
    assert body["data"] == QUOTE | quote


@pytest.mark.parametrize("route", ["quotes", "depth"])
def test_unknown_symbol_has_no_price(route: str) -> None:
    assert post(route, symbol="NOPE", exchange="NFO") == (400, error(NOPE))
    text = NOPE.replace("NOPE", CALL.lower())
    assert post(route, symbol=CALL.lower(), exchange="NFO") == (400, error(text))


def test_several_quotes_name_the_bad_ones_first() -> None:
    good = {"symbol": CALL, "exchange": "NFO"}
    bad = {"symbol": "NOPE", "exchange": "NFO"}
    status, body = post("multiquotes", symbols=[good, bad])
    assert status == 200
    assert body == {
        "status": "success",
        "results": [{**bad, "error": NOPE}, {**good, "data": QUOTE}],
    }


def test_several_bad_symbols_are_an_error() -> None:
    bad = {"symbol": "NOPE", "exchange": "NFO"}
    said = post("multiquotes", symbols=[bad])
    assert said == (400, error(NOPE, invalid_symbols=[{**bad, "error": NOPE}]))
    assert post("multiquotes", symbols=[]) == (
        400,
        error({"symbols": ["Shorter than minimum length 1."]}),
    )


def test_depth_always_has_five_levels_a_side() -> None:
    exchange = StagedExchange()
    exchange.quotes[CALL] = a_quote(ask=0)
    _, body = asked_of(exchange, "depth", symbol=CALL, exchange="NFO")
    data = body["data"]
    assert data["bids"] == [
        {"price": price, "quantity": 65 * n}
        for n, price in enumerate((155.9, 155.85, 155.8, 155.75, 155.7), 1)
    ]
    assert data["asks"] == [{"price": 0, "quantity": 0}] * 5
    assert (data["totalbuyqty"], data["totalsellqty"], data["ltq"]) == (975, 0, 65)
    rest = {"high", "low", "ltp", "oi", "open", "prev_close", "volume"}
    assert {name: data[name] for name in rest} == {name: QUOTE[name] for name in rest}
    assert set(data) == rest | {"bids", "asks", "totalbuyqty", "totalsellqty", "ltq"}


def test_history_names_a_bar_by_its_start_in_seconds() -> None:
    exchange = a_morning(1)
    _, body = history(exchange)
    assert body == {
        "status": "success",
        "data": [
            {
                "timestamp": 1795146300,
                "open": 150.0,
                "high": 150.1,
                "low": 149.9,
                "close": 150.0,
                "volume": 650,
                "oi": 650000,
            }
        ],
    }


def test_longer_bars_are_joined_from_the_opening_on() -> None:
    _, body = history(a_morning(20), interval="15m")
    first, second = body["data"]
    assert first["timestamp"] == 1795146300
    assert (first["open"], first["close"]) == (150.0, 150.7)
    assert (first["high"], first["low"]) == (150.8, 149.9)
    assert (first["volume"], second["volume"]) == (15 * 650, 5 * 650)
    assert second["timestamp"] - first["timestamp"] == 15 * 60


def test_hours_are_counted_from_the_opening_too() -> None:
    exchange = a_morning(0)
    exchange.bars = (a_bar("10:14"), a_bar("10:15"))
    _, body = history(exchange, interval="1h")
    assert [bar["timestamp"] for bar in body["data"]] == [1795146300, 1795146300 + 3600]


def test_day_is_one_bar_named_by_its_date() -> None:
    _, body = history(a_morning(20), interval="D")
    (day,) = body["data"]
    assert day["timestamp"] == 1795132800, "midnight in UTC, which the official client shows"
    assert day["volume"] == 20 * 650


def test_history_of_no_days_is_empty() -> None:
    empty = (200, {"status": "success", "data": []})
    assert history(a_morning(), end_date="2026-11-10") == empty
    assert history(a_morning(), start_date="2026-11-10", end_date="2026-11-11") == empty


def test_interval_outside_the_broker_is_a_500_and_outside_the_schema_a_400() -> None:
    assert history(a_morning(), interval="2m") == (500, error("Unsupported timeframe: 2m"))
    status, body = history(a_morning(), interval="60m")
    assert status == 400
    assert body["message"]["interval"][0].startswith("Must be one of: 1s, 5s,")


def test_nothing_is_in_the_local_database() -> None:
    text = (
        f"No data found for {CALL}:NFO interval D in local database. "
        "Download data first using Historify."
    )
    assert history(a_morning(), interval="D", source="db") == (404, error(text))


def test_intervals_are_those_history_takes() -> None:
    _, body = post("intervals")
    offered = [word for words in body["data"].values() for word in words]
    assert set(body["data"]) == {"seconds", "minutes", "hours", "days", "weeks", "months"}
    assert [history(a_morning(), interval=word)[0] for word in offered] == [200] * len(offered)


def test_empty_side_is_a_zero() -> None:
    exchange = StagedExchange()
    exchange.quotes[CALL] = a_quote(ask=0, ask_quantity=Units(0))
    _, body = asked_of(exchange, "quotes", symbol=CALL, exchange="NFO")
    assert (body["data"]["bid"], body["data"]["ask"]) == (155.9, 0)
