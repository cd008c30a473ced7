"""What the plug-ins of some brokers make of a true answer; truth stays as it is."""

import json
from typing import Any

import pytest

from domain.units import SECOND, Micros, Paise, Units
from sandbox.exchange import Exchange
from sandbox.frames import Frames
from sandbox.kinds import Change, ModifyIn, OrderLine, OrderOut, PriceKind, Status
from sandbox.stream import StreamSession
from tests.config.reading import problems_of
from tests.sandbox.api.asking import post
from tests.sandbox.faults.counters import Counter, Trading
from tests.sandbox.faults.scripts import a_fault
from tests.sandbox.stage import (
    AT,
    CALL,
    StagedExchange,
    a_desk,
    a_filled_sell,
    a_short,
    an_api,
    an_order,
)
from tests.sandbox.talking import AUTH, OPENED, tell

LATER = Micros(AT + 5 * SECOND)


def an_exchange(*quirks: str, orders: tuple[OrderLine, ...] = ()) -> StagedExchange:
    exchange = StagedExchange()
    exchange.quirks = frozenset(quirks)
    exchange.book = list(orders)
    exchange.now = LATER
    return exchange


def rows(exchange: Exchange, *, is_live: bool = False) -> Any:
    """Oldest first."""
    status, body = post("orderbook", an_api(exchange, is_live=is_live), LATER)
    assert status == 200, body
    told = body["data"]["orders"]
    return told if is_live else told[::-1]


def shown(exchange: Exchange) -> list[str]:
    return [row["order_status"] for row in rows(exchange)]


def test_new_order_shows_the_status_of_the_row_before() -> None:
    new = an_order(orderid="2", placed_at=LATER)
    exchange = an_exchange("zerodha_leak", orders=(a_filled_sell(placed_at=AT), new))
    assert shown(exchange) == ["complete", "complete"]
    one = post("orderstatus", an_api(exchange), LATER, strategy="t", orderid="2")
    assert one[1]["data"]["order_status"] == "complete"
    exchange.now = Micros(LATER + SECOND)
    _, body = post("orderbook", an_api(exchange), exchange.now)
    assert [row["order_status"] for row in body["data"]["orders"]] == [
        "trigger pending", "complete",
    ]  # fmt: skip


def test_new_order_in_the_first_row_is_an_error() -> None:
    exchange = an_exchange("zerodha_leak", orders=(an_order(placed_at=LATER),))
    assert post("orderbook", an_api(exchange), LATER)[0] == 500


def test_words_of_a_broker_pass_through() -> None:
    old = {"placed_at": AT, "kind": PriceKind.LIMIT}
    exchange = an_exchange(
        "dhan_vocab",
        orders=(
            an_order(orderid="1", status=Status.OPEN, **old),
            an_order(orderid="2", status=Status.OPEN, quantity=Units(130), filled=Units(65), **old),
            a_filled_sell(orderid="3"),
            an_order(orderid="4", status=Status.CANCELLED),
            an_order(orderid="5"),
            an_order(orderid="6", placed_at=LATER),
        ),
    )
    assert shown(exchange) == [
        "PENDING", "PART_TRADED", "TRADED", "cancelled", "trigger pending", "TRANSIT",
    ]  # fmt: skip


def test_price_of_a_filled_order_is_its_average() -> None:
    exchange = an_exchange("angel_price_is_avg", orders=(a_filled_sell(), an_order()))
    assert [row["price"] for row in rows(exchange, is_live=True)] == [149.95, 163.0]
    assert [row["price"] for row in rows(an_exchange(orders=(a_filled_sell(),)))] == [149.9]


def test_rows_tell_nothing_of_fills() -> None:
    (row,) = rows(an_exchange("no_fill_qty", orders=(a_filled_sell(),)))
    assert not {"average_price", "filled_quantity", "pending_quantity"} & row.keys()


def a_counter(*quirks: str, verb: str, settings: Any = None) -> Counter:
    place = "account" if verb == "revoke_session" else "rest:*"
    counter = Counter(a_fault(place, verb, settings))
    counter.exchange.quirks = frozenset(quirks)
    counter.exchange.held = [a_short()]
    return counter


@pytest.mark.parametrize("verb", ["status", "html_502", "revoke_session"])
def test_error_upstream_becomes_no_positions(verb: str) -> None:
    counter = a_counter("fyers_empty", verb=verb)
    assert counter.ask("positionbook") == {"status": "success", "data": []}
    assert counter.raw("orderbook")[1].status >= 400
    assert a_counter(verb=verb).raw("positionbook")[1].status >= 400


def test_expired_session_becomes_empty_books() -> None:
    counter = a_counter("shoonya_empty", verb="revoke_session")
    assert counter.ask("orderbook")["data"]["orders"] == []
    assert counter.ask("positionbook")["data"] == []
    assert counter.raw("tradebook")[1].status == 403
    assert a_counter("shoonya_empty", verb="html_502").raw("positionbook")[1].status == 502


def an_update(exchange: StagedExchange, out: OrderOut) -> bytes | None:
    desk = a_desk(exchange)
    session = StreamSession(desk, Frames(quirks=exchange.quirks), OPENED)
    tell(session, **AUTH)
    tell(session, action="subscribe_orders")
    return session.order(out)


def test_updates_may_never_come_or_say_it_in_other_words() -> None:
    order = an_order()
    out = OrderOut(at=AT, change=Change.NEW, order=order, price=order.price)
    assert an_update(an_exchange("push_none"), out) is None
    told = an_update(an_exchange("dhan_vocab"), out)
    assert told is not None
    assert json.loads(told)["order_status"] == "trigger_pending"
    plain = an_update(an_exchange(), out)
    assert plain is not None
    assert json.loads(plain)["order_status"] == "trigger pending"


CHANGE: dict[str, Any] = {
    "strategy": "t", "symbol": CALL, "exchange": "NFO", "action": "BUY", "product": "MIS",
    "orderid": "1", "quantity": 65, "pricetype": "SL", "price": 165, "trigger_price": 160,
    "disclosed_quantity": 0,
}  # fmt: skip


def test_quantity_of_a_change_is_what_remains() -> None:
    part = an_order(orderid="1", quantity=Units(195), filled=Units(65))
    exchange = an_exchange("modify_remaining", orders=(part,))
    post("modifyorder", an_api(exchange), LATER, **CHANGE)
    (taken,) = exchange.taken
    assert isinstance(taken, ModifyIn)
    assert taken.quantity == 130


def test_change_of_the_price_type_is_refused() -> None:
    exchange = an_exchange("sl_to_limit_refused", orders=(an_order(orderid="1"),))
    changes = CHANGE | {"pricetype": "LIMIT"}
    assert post("modifyorder", an_api(exchange), LATER, **changes)[0] == 400
    assert post("modifyorder", an_api(exchange), LATER, **CHANGE)[0] == 200
    plain = an_exchange(orders=(an_order(orderid="1"),))
    assert post("modifyorder", an_api(plain), LATER, **changes)[0] == 200


def test_market_order_becomes_a_limit_that_may_rest() -> None:
    rules = ("market_orders.sandbox=refuse",)
    assert Trading(rules=rules).sell(pricetype="MARKET", price=0)["status"] == "error"
    trading = Trading(rules=rules, broker_profile=("protect_market",))
    orderid = trading.sell(pricetype="MARKET", price=0)["orderid"]
    line = trading.exchange.order(orderid)
    assert line is not None
    assert line.price > Paise(0)


def test_live_broker_counts_its_orders_and_has_a_form_of_stamp() -> None:
    stamps = []
    for seed in range(4):
        trading = Trading(is_live=True, profile="live_quirks", seed=seed)
        ids = [trading.sell()["orderid"] for _ in range(3)]
        assert ids == sorted(set(ids))
        stamps.append(trading.ask("orderbook")["data"]["orders"][0]["timestamp"])
    assert stamps == [
        "2026-11-19 09:20:00", "19-Nov-2026 09:20:00", "09:20:00 19-11-2026", "19/11/2026 09:20:00",
    ]  # fmt: skip


def test_unknown_profile_refuses_and_says_what_is_allowed() -> None:
    (problem,) = problems_of(sandbox__broker_profile=["zerodha"])
    assert "zerodha_leak or fyers_empty or shoonya_empty" in problem
