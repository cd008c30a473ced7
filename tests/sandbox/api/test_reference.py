"""The symbol master, chains, the calendar and margins by REST."""

from typing import Any

import pytest

from domain.session import instant
from domain.units import Day, Paise
from sandbox.kinds import HolidayLine, OrderIn, PriceKind, TimingLine
from tests.sandbox.api.asking import asked_of, error, post
from tests.sandbox.stage import (
    AT,
    CALL,
    DAY,
    INDEX,
    StagedExchange,
    an_index,
    an_index_quote,
    an_option,
)

CALL_ROW = {
    "symbol": CALL,
    "brsymbol": CALL,
    "name": "NIFTY",
    "exchange": "NFO",
    "brexchange": "NFO",
    "token": "1047",
    "expiry": "24-NOV-26",
    "strike": 26000.0,
    "lotsize": 65,
    "instrumenttype": "CE",
    "tick_size": 0.05,
    "freeze_qty": 1800,
}
ATM: dict[str, Any] = {"underlying": "NIFTY", "exchange": "NSE_INDEX", "expiry_date": "24NOV26"}


def a_chain(*strikes: int) -> StagedExchange:
    sides = [an_option(strike, side) for strike in strikes for side in ("CE", "PE")]
    far = an_option(26_000, expiry="2026-12-01")
    return StagedExchange(an_index(), *sides, far)


LADDER = (25_900, 25_950, 26_000, 26_050, 26_100)


def test_symbol_is_a_row_of_the_master() -> None:
    said = post("symbol", symbol=CALL, exchange="NFO")
    assert said == (200, {"status": "success", "data": {"id": 1047, **CALL_ROW}})
    _, body = post("symbol", symbol=INDEX, exchange="NSE_INDEX")
    index = {"expiry": "", "strike": 0.0, "lotsize": 1, "freeze_qty": 1, "instrumenttype": "INDEX"}
    assert {name: body["data"][name] for name in index} == index
    said = post("symbol", symbol="NOPE", exchange="NFO")
    assert said == (404, error("Symbol NOPE not found in exchange NFO"))


def test_search_wants_every_word() -> None:
    exchange = a_chain(*LADDER)
    _, body = asked_of(exchange, "search", query="nifty 26000 CE", exchange="NFO")
    assert body["message"] == "Found 2 matching symbols"
    found = [row["symbol"] for row in body["data"]]
    assert found == ["NIFTY01DEC2626000CE", "NIFTY24NOV2626000CE"]
    assert body["data"][1] == CALL_ROW
    nothing = {"status": "success", "data": [], "message": "No matching symbols found"}
    assert asked_of(exchange, "search", query="zzzz") == (200, nothing)
    _, body = asked_of(exchange, "search", query="NIFTY", exchange="NSE_INDEX")
    assert [row["symbol"] for row in body["data"]] == ["NIFTY"]
    text = "Query parameter is required and cannot be empty"
    assert asked_of(exchange, "search", query=" ") == (400, error(text))


def test_expiries_are_written_with_dashes() -> None:
    exchange = a_chain(*LADDER)
    asked = {"symbol": "NIFTY", "exchange": "NFO", "instrumenttype": "options"}
    _, body = asked_of(exchange, "expiry", **asked)
    assert body["data"] == ["24-NOV-26", "01-DEC-26"]
    assert body["message"] == "Found 2 expiry dates for NIFTY options in NFO"
    _, body = asked_of(exchange, "expiry", **asked | {"symbol": "NOPE"})
    assert body["data"] == []
    assert body["message"] == "No expiry dates found for NOPE options in NFO"


@pytest.mark.parametrize(
    ("offset", "side", "symbol"),
    [
        ("ATM", "CE", "NIFTY24NOV2626000CE"),
        ("OTM2", "PE", "NIFTY24NOV2625900PE"),
        ("otm2", "ce", "NIFTY24NOV2626100CE"),
        ("ITM1", "CE", "NIFTY24NOV2625950CE"),
        ("ITM1", "PE", "NIFTY24NOV2626050PE"),
    ],
)
def test_option_is_found_by_its_distance_from_the_money(
    offset: str, side: str, symbol: str
) -> None:
    asked = ATM | {"offset": offset, "option_type": side}
    said = asked_of(a_chain(*LADDER), "optionsymbol", **asked)
    assert said == (
        200,
        {
            "status": "success",
            "symbol": symbol,
            "exchange": "NFO",
            "lotsize": 65,
            "tick_size": 0.05,
            "freeze_qty": 1800,
            "underlying_ltp": 25995.45,
        },
    )
    by_step = asked_of(a_chain(*LADDER), "optionsymbol", **asked, strike_int="50")
    assert by_step == said


def test_underlying_may_carry_the_expiry_and_name_the_options_exchange() -> None:
    asked = {"underlying": "NIFTY24NOV26FUT", "exchange": "NFO", "offset": "ATM"}
    _, body = asked_of(a_chain(*LADDER), "optionsymbol", **asked, option_type="CE")
    assert body["symbol"] == CALL


@pytest.mark.parametrize(
    ("changes", "status", "text"),
    [
        (
            {"expiry_date": "25NOV26"},
            404,
            (
                "No strikes found for NIFTY expiring 25NOV26. Please check expiry date or update "
                "master contract."
            ),
        ),
        (
            {"offset": "OTM9"},
            400,
            "Offset OTM9 is out of range for available strikes. Please use a smaller offset.",
        ),
        (
            {"strike_int": 30},
            404,
            (
                "Option symbol NIFTY24NOV2626010CE not found in NFO. Symbol may not exist or "
                "master contract needs update."
            ),
        ),
        (
            {"underlying": "NOPE"},
            400,
            (
                "Failed to fetch LTP for NOPE. Symbol 'NOPE' not found for exchange 'NSE_INDEX'. "
                "Please verify the symbol name and ensure master contracts are downloaded."
            ),
        ),
    ],
)
def test_option_that_is_not_there_is_explained(
    changes: dict[str, Any], status: int, text: str
) -> None:
    asked = ATM | {"offset": "ATM", "option_type": "CE"} | changes
    assert asked_of(a_chain(*LADDER), "optionsymbol", **asked) == (status, error(text))


def test_option_needs_an_expiry() -> None:
    asked = {"underlying": "NIFTY", "exchange": "NSE_INDEX", "offset": "ATM", "option_type": "CE"}
    status, body = asked_of(a_chain(*LADDER), "optionsymbol", **asked)
    assert status == 400
    assert body["message"].startswith("Expiry date required.")


def test_chain_labels_both_sides_from_the_money_outwards() -> None:
    status, body = asked_of(a_chain(*LADDER), "optionchain", **ATM, strike_count=1)
    assert status == 200
    rows = [(row["strike"], row["ce"]["label"], row["pe"]["label"]) for row in body["chain"]]
    assert rows == [(25950.0, "ITM1", "OTM1"), (26000.0, "ATM", "ATM"), (26050.0, "OTM1", "ITM1")]
    del body["chain"]
    assert body == {
        "status": "success",
        "underlying": "NIFTY",
        "underlying_symbol": "NIFTY",
        "underlying_exchange": "NSE_INDEX",
        "underlying_ltp": 25995.45,
        "underlying_prev_close": 158.5,
        "expiry_date": "24NOV26",
        "expiry_ts": 1795514400,
        "server_ts": AT // 1_000_000,
        "atm_strike": 26000.0,
        "quotes_included": True,
        "greeks_included": False,
        "forward_price": None,
    }


def test_row_of_a_chain_is_a_quote_with_sizes() -> None:
    exchange = StagedExchange(an_index(), an_option())
    _, body = asked_of(exchange, "optionchain", **ATM)
    (row,) = body["chain"]
    assert row["pe"] is None
    assert row["ce"] == {
        "symbol": CALL,
        "label": "ATM",
        "ltp": 155.95,
        "bid": 155.9,
        "ask": 156.0,
        "bid_qty": 650,
        "ask_qty": 715,
        "open": 155.85,
        "high": 157.51,
        "low": 154.29,
        "prev_close": 158.5,
        "volume": 2222285,
        "oi": 650000,
        "lotsize": 65,
        "tick_size": 0.05,
    }


def test_whole_chain_comes_without_a_count_and_follows_the_spot() -> None:
    exchange = a_chain(*LADDER)
    exchange.quotes[INDEX] = an_index_quote(2_590_000)
    _, body = asked_of(exchange, "optionchain", **ATM)
    assert [row["strike"] for row in body["chain"]] == [float(strike) for strike in LADDER]
    assert body["atm_strike"] == 25900.0
    status, body = asked_of(exchange, "optionchain", **ATM | {"expiry_date": "25NOV26"})
    assert (status, body["message"][:30]) == (404, "No strikes found for NIFTY exp")


def test_timings_are_milliseconds() -> None:
    exchange = StagedExchange()
    day = Day("2026-11-23")
    start, end = instant(day, "09:15"), instant(day, "15:40")
    exchange.hours = (TimingLine(exchange="NFO", start=start, end=end),)
    said = asked_of(exchange, "market/timings", date=day)
    row = {"exchange": "NFO", "start_time": 1795405500000, "end_time": 1795428600000}
    assert said == (200, {"status": "success", "data": [row]})


@pytest.mark.parametrize(
    ("date", "text"),
    [
        ("21-11-2026", "Invalid date format. Use YYYY-MM-DD"),
        ("2026-13-01", "Invalid date format. Use YYYY-MM-DD"),
        ("2019-12-31", "Date must be between 2020-01-01 and 2050-12-31"),
    ],
)
def test_timings_want_a_date(date: str, text: str) -> None:
    assert post("market/timings", date=date) == (400, error(text))


def test_holidays_name_what_is_closed_and_what_opens() -> None:
    exchange = StagedExchange()
    day = Day("2026-11-08")
    hours = TimingLine(exchange="NFO", start=instant(day, "18:00"), end=instant(day, "19:15"))
    exchange.closed_days = (
        HolidayLine(day=day, description="Diwali", closed=("NSE",), sessions=(hours,)),
        HolidayLine(day=Day("2026-11-10"), description="Diwali Balipratipada", closed=("NSE",)),
    )
    _, body = asked_of(exchange, "market/holidays", year=2026)
    special, plain = body["data"]
    assert special["open_exchanges"] == [
        {"exchange": "NFO", "start_time": hours.start // 1000, "end_time": hours.end // 1000}
    ]
    assert plain == {
        "date": "2026-11-10",
        "description": "Diwali Balipratipada",
        "holiday_type": "TRADING_HOLIDAY",
        "closed_exchanges": ["NSE"],
        "open_exchanges": [],
    }
    assert asked_of(exchange, "market/holidays")[1]["year"] == int(DAY[:4])
    text = "Must be greater than or equal to 2020 and less than or equal to 2050."
    assert post("market/holidays", year=1999) == (400, error({"year": [text]}))


LEG = {
    "symbol": CALL,
    "exchange": "NFO",
    "action": "SELL",
    "quantity": "65",
    "product": "MIS",
    "pricetype": "LIMIT",
    "price": "150",
}


class Asking(StagedExchange):
    """Keeps what its margin was asked for."""

    orders_asked: tuple[OrderIn, ...] = ()

    def margin(self, at: Any, order: OrderIn) -> Any:
        self.orders_asked += (order,)
        return super().margin(at, order)


def test_margin_is_the_sum_of_its_orders() -> None:
    exchange = Asking()
    _, body = asked_of(exchange, "margin", positions=[LEG, LEG])
    assert body == {
        "status": "success",
        "data": {
            "total_margin_required": 362440.0,
            "span_margin": 294840.0,
            "exposure_margin": 67600.0,
        },
    }
    first = exchange.orders_asked[0]
    assert (first.quantity, first.price, first.kind) == (65, Paise(15_000), PriceKind.LIMIT)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"quantity": "x"}, "Position 2: Invalid quantity format"),
        ({"quantity": "65.5"}, "Position 2: Invalid quantity format"),
        ({"quantity": "0"}, "Position 2: Quantity must be a positive number"),
        ({"price": "x"}, "Position 2: Invalid price format"),
        ({"price": "nan"}, "Position 2: Invalid price format"),
        ({"quantity": "9" * 400}, "Position 2: Invalid quantity format"),
        ({"quantity": "9" * 5000}, "Position 2: Invalid quantity format"),
        ({"quantity": "10000000000"}, "Position 2: Invalid quantity format"),
        ({"price": "1e400000000"}, "Position 2: Invalid price format"),
        ({"price": "-1e400000000"}, "Position 2: Invalid price format"),
        ({"trigger_price": "1e10"}, "Position 2: Invalid price format"),
        ({"price": "-1"}, "Position 2: Price cannot be negative"),
    ],
)
def test_margin_refuses_text_that_is_no_number(changes: dict[str, str], text: str) -> None:
    assert post("margin", positions=[LEG, LEG | changes]) == (400, error(text))


def test_margin_of_an_unknown_symbol_is_refused() -> None:
    status, body = post("margin", positions=[LEG | {"symbol": "NOPE"}])
    assert status == 400
    assert body["message"].startswith("Symbol 'NOPE' not found")


def test_analyzer_says_which_mode_the_server_is_in() -> None:
    _, body = post("analyzer")
    assert body["data"] == {"mode": "analyze", "analyze_mode": True, "total_logs": 0}
    assert "mode" not in body
