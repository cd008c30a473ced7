import json
from decimal import Decimal

import msgspec
import pytest

from broker import wire_orders
from domain.books import Action, OrderRow, PositionRow, PriceType, Status, TradeRow, UnreadRow
from domain.calls import Write
from domain.errors import Rejected, WireError
from domain.orders import Ticket
from domain.units import Micros, Paise, Units
from tests.broker.build import (
    CALL,
    a_cancel,
    a_limit,
    a_modify,
    a_place,
    a_position_row,
    a_ticket,
    a_trade_row,
    an_order_row,
)


def sent(call: Write) -> dict[str, object]:
    return dict(json.loads(wire_orders.body(call), parse_float=Decimal))


STOP = {
    "strategy": "swing_break",
    "symbol": "NIFTY24NOV2626000CE",
    "exchange": "NFO",
    "action": "SELL",
    "quantity": 65,
    "pricetype": "SL",
    "product": "MIS",
    "price": Decimal("126.95"),
    "trigger_price": Decimal("129.95"),
    "disclosed_quantity": 0,
}
LIMIT = STOP | {"action": "BUY", "pricetype": "LIMIT", "price": Decimal("141.95")}
LIMIT |= {"trigger_price": 0}


@pytest.mark.incident("INC-45")
@pytest.mark.parametrize(
    ("call", "route", "fields"),
    [
        (a_place(a_ticket()), "placeorder", STOP),
        (a_place(a_limit()), "placeorder", LIMIT),
        (a_modify(a_ticket()), "modifyorder", STOP | {"orderid": "26112166700552"}),
        (a_modify(a_limit()), "modifyorder", LIMIT | {"orderid": "26112166700552"}),
        (a_cancel(), "cancelorder", {"strategy": "swing_break", "orderid": "26112166700552"}),
    ],
)
def test_golden_payload_of_every_order_kind(
    call: Write, route: str, fields: dict[str, object]
) -> None:
    assert wire_orders.route(call) == route
    assert sent(call) == fields


def test_prices_are_written_digit_by_digit() -> None:
    assert b'"price":149.95,"trigger_price":0.00' in wire_orders.body(a_place(a_limit(14995)))


@pytest.mark.parametrize(
    "ticket",
    [
        msgspec.structs.replace(a_limit(), pricetype="MARKET"),
        msgspec.structs.replace(a_ticket(), pricetype="SL-M"),
        a_ticket(trigger=0),
        a_ticket(pricetype=PriceType.LIMIT, trigger=12995),
        a_limit(price=0),
        a_limit(price=-5),
        a_limit(quantity=0),
        a_limit(quantity=-65),
    ],
)
def test_only_whole_limit_and_stop_limit_orders_are_encoded(ticket: Ticket) -> None:
    for call in (a_place(ticket), a_modify(ticket)):
        with pytest.raises(Rejected) as caught:
            wire_orders.body(call)
        assert caught.value.code == wire_orders.UNSENDABLE
    with pytest.raises(Rejected):
        wire_orders.margin_body(ticket)


def test_margin_is_asked_with_numbers_as_texts() -> None:
    assert json.loads(wire_orders.margin_body(a_limit(15000))) == {
        "positions": [
            {
                "symbol": "NIFTY24NOV2626000CE",
                "exchange": "NFO",
                "action": "BUY",
                "quantity": "65",
                "product": "MIS",
                "pricetype": "LIMIT",
                "price": "150.00",
                "trigger_price": "0.00",
            }
        ]
    }


@pytest.mark.parametrize(("said", "orderid"), [("261121", "261121"), (261121, "261121")])
def test_order_id_is_a_text(said: object, orderid: str) -> None:
    assert wire_orders.orderid({"orderid": said}) == orderid


@pytest.mark.parametrize("said", [None, "", "  ", {}, [], True, 1.5])
def test_success_without_a_usable_order_id_is_nonsense(said: object) -> None:
    with pytest.raises(WireError):
        wire_orders.orderid({"status": "success", "orderid": said})


def test_absent_mode_is_live() -> None:
    modes = [wire_orders.mode(b) for b in ({}, {"mode": None}, {"mode": "Analyze"})]
    assert modes == ["live", "live", "analyze"]


def test_order_row_of_the_analyzer_is_read() -> None:
    answer = {"data": {"orders": [an_order_row(average_price=129.846)], "statistics": {}}}
    assert wire_orders.order_rows(answer) == (
        OrderRow(
            orderid="26112166700552",
            symbol=CALL,
            exchange="NFO",
            action=Action.BUY,
            quantity=Units(65),
            price=Paise(16300),
            trigger=Paise(16000),
            pricetype="SL",
            product="MIS",
            status=Status.TRIGGER_PENDING,
            average=Paise(12985),
            placed_at=Micros(1_795_253_390_000_000),
        ),
    )


def test_bare_order_row_of_a_live_broker_is_read() -> None:
    row = an_order_row(quantity="65", price="163.00", trigger_price=None, action="buy")
    for key in ("average_price", "filled_quantity", "pending_quantity", "rejection_reason"):
        del row[key]
    row |= {"timestamp": "21-Nov-2026 14:59:50", "orderid": 261121000000001}
    (read,) = wire_orders.order_rows({"data": {"orders": [row]}})
    assert isinstance(read, OrderRow)
    assert (read.orderid, read.quantity, read.price, read.trigger) == (
        "261121000000001",
        65,
        16300,
        0,
    )
    assert (read.action, read.reason, read.average, read.placed_at) == (Action.BUY, "", 0, None)


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("open", Status.OPEN),
        ("COMPLETE", Status.COMPLETE),
        (" cancelled ", Status.CANCELLED),
        ("rejected", Status.REJECTED),
        ("trigger pending", Status.TRIGGER_PENDING),
        ("trigger_pending", Status.UNKNOWN),
        ("unknown", Status.UNKNOWN),
        ("PART_TRADED", Status.UNKNOWN),
        ("", Status.UNKNOWN),
        (None, Status.UNKNOWN),
        ({}, Status.UNKNOWN),
    ],
)
def test_unknown_status_word_passes_and_moves_nothing(said: object, status: Status) -> None:
    (row,) = wire_orders.order_rows({"data": {"orders": [an_order_row(order_status=said)]}})
    assert isinstance(row, OrderRow)
    assert row.status is status


@pytest.mark.parametrize(
    "changed",
    [
        {"action": "HOLD"},
        {"action": ""},
        {"action": None},
        {"quantity": 65.5},
        {"quantity": None},
        {"price": "163.005"},
        {"price": "abc"},
        {"price": "abc", "order_status": "complete"},
        {"trigger_price": 160.0001, "order_status": "complete"},
        {"rejection_reason": {}},
    ],
)
def test_order_row_that_makes_no_sense_keeps_its_id(changed: dict[str, object]) -> None:
    rows = [an_order_row(**changed, orderid="7"), an_order_row()]
    unread, read = wire_orders.order_rows({"data": {"orders": rows}})
    assert isinstance(read, OrderRow)
    assert isinstance(unread, UnreadRow)
    assert (unread.orderid, unread.symbol) == ("7", CALL)
    assert unread.reason


@pytest.mark.parametrize("symbol", [None, "", {}, 5.5])
def test_row_without_a_symbol_may_be_about_any(symbol: object) -> None:
    rows = [an_order_row(symbol=symbol, orderid="7")]
    (unread,) = wire_orders.order_rows({"data": {"orders": rows}})
    assert (unread.orderid, unread.symbol) == ("7", "")


@pytest.mark.parametrize("row", [an_order_row(orderid=""), an_order_row(orderid=None), None, "7"])
def test_row_without_an_id_refuses_the_book(row: object) -> None:
    with pytest.raises(WireError):
        wire_orders.order_rows({"data": {"orders": [an_order_row(), row]}})


@pytest.mark.parametrize(
    "filled",
    [
        {"order_status": "complete", "average_price": None, "filled_quantity": None},
        {"order_status": "open", "average_price": "150.1234", "filled_quantity": None},
        {"order_status": "cancelled", "average_price": None, "filled_quantity": 65},
    ],
)
def test_price_of_an_order_with_fills_may_be_an_average(filled: dict[str, object]) -> None:
    """The quirk `angel_price_is_avg`: 150.1234 in place of the limit."""
    for price, read in ((150.1234, 15_012), ("150.125", 15_013), (150.12, 15_012)):
        rows = [an_order_row(price=price, **filled)]
        (row,) = wire_orders.order_rows({"data": {"orders": rows}})
        assert isinstance(row, OrderRow)
        assert row.price == read


def test_trade_rows_are_read_with_and_without_an_id() -> None:
    bare = a_trade_row(quantity="65", average_price="149.95")
    del bare["tradeid"], bare["price"]
    with_id, without = wire_orders.trade_rows({"data": [a_trade_row(), bare]})
    assert with_id == TradeRow(
        orderid="26112146176923",
        tradeid="TRADE-1",
        symbol=CALL,
        action=Action.SELL,
        product="MIS",
        quantity=Units(65),
        price=Paise(14995),
        stamp="2026-11-21 14:59:50",
    )
    assert without == msgspec.structs.replace(with_id, tradeid="")


def test_position_rows_are_signed_and_those_of_zero_stay() -> None:
    rows = [a_position_row(), a_position_row(quantity="-130.0"), a_position_row(quantity=0)]
    read = wire_orders.position_rows({"data": rows})
    assert [row.net for row in read] == [-65, -130, 0]
    assert read[0] == PositionRow(symbol=CALL, exchange="NFO", product="MIS", net=Units(-65))


@pytest.mark.incident("INC-88")
@pytest.mark.parametrize(
    "data", [None, {}, "", "none", 0, {"orders": None}, {"orders": {}}, [None]]
)
def test_books_are_typed_lists_or_refused(data: object) -> None:
    for read in (wire_orders.order_rows, wire_orders.trade_rows, wire_orders.position_rows):
        with pytest.raises(WireError):
            read({"status": "success", "data": data})


def test_empty_books_are_empty() -> None:
    assert wire_orders.order_rows({"data": {"orders": []}}) == ()
    assert wire_orders.trade_rows({"data": []}) == ()
    assert wire_orders.position_rows({"data": []}) == ()
