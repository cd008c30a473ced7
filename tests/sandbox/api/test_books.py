"""The books in both dressings: as OpenAlgo's own sandbox shows them, and as a live broker does."""

from typing import Any

from domain.units import Micros, Paise, Units
from sandbox.kinds import PriceKind, Status
from tests.sandbox.api.asking import asked_of, error, post
from tests.sandbox.stage import (
    AT,
    CALL,
    PUT,
    StagedExchange,
    a_filled_sell,
    a_short,
    a_trade,
    an_api,
    an_order,
    some_funds,
)

STOP_ROW = {
    "orderid": "26112066700552",
    "symbol": CALL,
    "exchange": "NFO",
    "action": "BUY",
    "quantity": 65,
    "price": 163.0,
    "trigger_price": 160.0,
    "pricetype": "SL",
    "product": "MIS",
    "order_status": "trigger pending",
    "timestamp": "2026-11-20 10:00:00",
}
STOP_MORE = {
    "average_price": 0.0,
    "filled_quantity": 0,
    "pending_quantity": 65,
    "rejection_reason": "",
    "strategy": "cap",
}


def two_orders() -> StagedExchange:
    exchange = StagedExchange()
    exchange.book = [a_filled_sell(), an_order()]
    exchange.done = [a_trade()]
    return exchange


def ask_live(exchange: StagedExchange, route: str, **fields: Any) -> Any:
    status, body = post(route, an_api(exchange, is_live=True), **fields)
    assert (status, body.pop("status")) == (200, "success")
    return body


def test_order_book_has_the_newest_first_and_counts_by_state() -> None:
    status, body = asked_of(two_orders(), "orderbook")
    assert status == 200
    assert (body["status"], body["mode"]) == ("success", "analyze")
    first, second = body["data"]["orders"]
    assert first == STOP_ROW | STOP_MORE
    assert (second["order_status"], second["average_price"]) == ("complete", 149.95)
    assert (second["filled_quantity"], second["pending_quantity"]) == (65, 0)
    assert body["data"]["statistics"] == {
        "total_buy_orders": 1,
        "total_sell_orders": 1,
        "total_completed_orders": 1,
        "total_open_orders": 0,
        "total_rejected_orders": 0,
        "total_trigger_pending_orders": 1,
    }


def test_live_order_book_is_bare_and_in_the_brokers_order() -> None:
    body = ask_live(two_orders(), "orderbook")
    sell, stop = body["data"]["orders"]
    assert set(stop) == set(STOP_ROW)
    assert [sell["order_status"], stop["order_status"]] == ["complete", "trigger pending"]
    assert "mode" not in body
    assert "total_trigger_pending_orders" not in body["data"]["statistics"]


def test_live_quantities_are_numbers_or_text_but_never_change_their_spelling() -> None:
    exchange = StagedExchange()
    exchange.book = [an_order(placed_at=Micros(AT + n * 1000)) for n in range(3)]
    rows = ask_live(exchange, "orderbook")["data"]["orders"]
    spellings = {type(row["quantity"]) for row in rows}
    assert spellings == {int, float, str}
    assert {int(float(row["quantity"])) for row in rows} == {65}
    assert ask_live(exchange, "orderbook")["data"]["orders"] == rows


def test_live_market_order_has_no_price() -> None:
    exchange = StagedExchange()
    exchange.book = [a_filled_sell(kind=PriceKind.MARKET)]
    (row,) = ask_live(exchange, "orderbook")["data"]["orders"]
    assert row["price"] == 0.0


def test_unfilled_rest_stays_visible_after_a_cancel_and_not_after_a_rejection() -> None:
    exchange = StagedExchange()
    exchange.book = [
        an_order(status=Status.CANCELLED),
        an_order(status=Status.REJECTED, reason="Order price is beyond LPP limit"),
    ]
    _, body = asked_of(exchange, "orderbook")
    rows = [(r["pending_quantity"], r["rejection_reason"]) for r in body["data"]["orders"]]
    assert rows == [(0, "Order price is beyond LPP limit"), (65, "")]


def test_order_status_names_the_price_type_differently_while_analyzing() -> None:
    asked = {"strategy": "cap", "orderid": "26112066700552"}
    _, body = asked_of(two_orders(), "orderstatus", **asked)
    row = STOP_ROW | STOP_MORE
    row["price_type"] = row.pop("pricetype")
    del row["rejection_reason"]
    assert body == {"status": "success", "mode": "analyze", "data": row}


def test_live_order_status_has_the_price_of_the_first_trade_once_complete() -> None:
    exchange = two_orders()
    exchange.done += [a_trade(price=Paise(15_100))]
    asked = {"strategy": "cap", "orderid": "26112046176923"}
    row = ask_live(exchange, "orderstatus", **asked)["data"]
    assert row["average_price"] == 149.95
    assert "filled_quantity" not in row
    assert row["pricetype"] == "LIMIT"
    exchange.book = [a_filled_sell(status=Status.OPEN, filled=Units(0))]
    assert ask_live(exchange, "orderstatus", **asked)["data"]["average_price"] == 0.0


def test_unknown_order_has_no_status() -> None:
    asked: dict[str, Any] = {"strategy": "cap", "orderid": "999"}
    said = asked_of(two_orders(), "orderstatus", **asked)
    assert said == (404, error("Order 999 not found", mode="analyze"))
    said = post("orderstatus", an_api(two_orders(), is_live=True), **asked)
    assert said == (404, error("Order 999 not found"))


def test_trade_book_shows_each_trade_newest_first() -> None:
    exchange = two_orders()
    exchange.done += [a_trade(tradeid="T2", at=Micros(AT + 1_000_000))]
    _, body = asked_of(exchange, "tradebook")
    assert [row["tradeid"] for row in body["data"]] == ["T2", "T1"]
    live_row = {
        "orderid": "26112046176923",
        "symbol": CALL,
        "exchange": "NFO",
        "product": "MIS",
        "action": "SELL",
        "quantity": 65,
        "average_price": 149.95,
        "trade_value": 9746.75,
        "timestamp": "2026-11-20 10:00:00",
    }
    assert body["data"][1] == live_row | {"tradeid": "T1", "price": 149.95, "strategy": "cap"}
    assert ask_live(exchange, "tradebook")["data"][0] == live_row


def test_position_book_marks_a_short_to_the_market() -> None:
    exchange = StagedExchange()
    exchange.held = [a_short()]
    _, body = asked_of(exchange, "positionbook")
    assert body == {
        "status": "success",
        "mode": "analyze",
        "data": [
            {
                "symbol": CALL,
                "exchange": "NFO",
                "product": "MIS",
                "quantity": -65,
                "average_price": 149.95,
                "ltp": 150.0,
                "pnl": -3.25,
                "pnlpercent": -100 * 3.25 / 9746.75,
                "unrealized_pnl": -3.25,
                "today_realized_pnl": 0.0,
                "total_pnl_today": -3.25,
                "lot_size": 1.0,
            }
        ],
        "total_pnl": -3.25,
        "total_pnl_today": -3.25,
        "total_today_realized_pnl": 0.0,
        "total_unrealized_pnl": -3.25,
    }


def test_closed_position_stays_and_repeats_its_result_as_unrealised() -> None:
    exchange = StagedExchange()
    closed = a_short(net=0, average=Paise(0), unrealised=0, realised=-71_825)
    exchange.held = [closed, a_short(symbol=PUT)]
    _, body = asked_of(exchange, "positionbook")
    row = body["data"][0]
    assert (row["quantity"], row["pnl"], row["unrealized_pnl"]) == (0, -718.25, -718.25)
    assert (row["today_realized_pnl"], row["pnlpercent"]) == (-718.25, 0.0)
    assert body["total_unrealized_pnl"] == -3.25
    assert body["total_pnl"] == -721.5


def test_live_position_book_has_text_where_brokers_send_it() -> None:
    exchange = StagedExchange()
    exchange.held = [a_short()]
    (row,) = ask_live(exchange, "positionbook")["data"]
    assert row == {
        "symbol": CALL,
        "exchange": "NFO",
        "product": "MIS",
        "quantity": -65,
        "average_price": "149.95",
        "ltp": 150.0,
        "pnl": -3.25,
    }


def test_open_position_is_a_signed_quantity() -> None:
    exchange = StagedExchange()
    exchange.held = [a_short(), a_short(product="NRML", net=-130)]
    asked = {"strategy": "cap", "symbol": CALL, "exchange": "NFO", "product": "MIS"}
    success = {"status": "success", "mode": "analyze"}
    assert asked_of(exchange, "openposition", **asked) == (200, {**success, "quantity": -65})
    other = asked | {"symbol": PUT}
    assert asked_of(exchange, "openposition", **other) == (200, {**success, "quantity": 0})


def test_funds_are_numbers_while_analyzing_and_five_texts_when_live() -> None:
    exchange = StagedExchange()
    exchange.account = some_funds(
        available=999_025_000, used=900_000, reserved=75_000, realised=-71_825, unrealised=-325
    )
    _, body = asked_of(exchange, "funds")
    assert body["mode"] == "analyze"
    assert body["data"] == {
        "availablecash": 9990250.0,
        "collateral": 0.0,
        "m2munrealized": -3.25,
        "m2mrealized": -718.25,
        "utiliseddebits": 9750.0,
        "grossexposure": 9000.0,
        "totalpnl": -721.5,
        "total_realized_pnl": -718.25,
        "today_realized_pnl": -718.25,
        "last_reset": "2026-11-20 03:00:00",
        "reset_count": 0,
    }
    assert ask_live(exchange, "funds")["data"] == {
        "availablecash": "9990250.00",
        "collateral": "0.00",
        "m2munrealized": "-3.25",
        "m2mrealized": "-718.25",
        "utiliseddebits": "9750.00",
    }


def test_nothing_is_held_over_night() -> None:
    statistics = {
        "totalholdingvalue": 0.0,
        "totalinvvalue": 0.0,
        "totalprofitandloss": 0.0,
        "totalpnlpercentage": 0.0,
    }
    _, body = asked_of(StagedExchange(), "holdings")
    assert body["data"] == {"holdings": [], "statistics": statistics}
