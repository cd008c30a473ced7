"""Builders with defaults for what the broker client sends and hears."""

import json
from typing import Any

from broker.asks import Fault, HttpAnswer
from domain.books import Action, PriceType
from domain.calls import CancelOrder, ModifyOrder, PlaceOrder, Priority
from domain.orders import Ticket
from domain.units import Micros, Paise, Symbol, Units

CALL = Symbol("NIFTY24NOV2626000CE")
AT = Micros(1_795_253_507_000_000)
"""2026-11-21 15:01:47 in Asia/Kolkata."""


def a_ticket(
    action: Action = Action.SELL,
    pricetype: PriceType = PriceType.SL,
    price: int = 12695,
    trigger: int = 12995,
    quantity: int = 65,
) -> Ticket:
    return Ticket(
        symbol=CALL,
        exchange="NFO",
        action=action,
        quantity=Units(quantity),
        pricetype=pricetype,
        price=Paise(price),
        trigger=Paise(trigger),
        strategy="swing_break",
    )


def a_limit(price: int = 14195, quantity: int = 65) -> Ticket:
    return a_ticket(Action.BUY, PriceType.LIMIT, price, 0, quantity)


def a_place(
    ticket: Ticket | None = None,
    priority: Priority = Priority.ENTRY,
    ref: str = "i1",
    send_before: Micros | None = None,
) -> PlaceOrder:
    return PlaceOrder(
        ref=ref, ticket=ticket or a_ticket(), priority=priority, send_before=send_before
    )


def a_modify(ticket: Ticket | None = None, orderid: str = "26112166700552") -> ModifyOrder:
    return ModifyOrder(
        ref="i1", orderid=orderid, ticket=ticket or a_ticket(), priority=Priority.EXIT
    )


def a_cancel(
    priority: Priority = Priority.CANCEL, ref: str = "i1", orderid: str = "26112166700552"
) -> CancelOrder:
    return CancelOrder(ref=ref, orderid=orderid, strategy="swing_break", priority=priority)


def an_answer(body: Any = None, status: int = 200, **fields: Any) -> HttpAnswer:
    """Answer with JSON; a success if nothing else is said, raw bytes as they are."""
    raw = body if isinstance(body, bytes) else json.dumps(body or {"status": "success"}).encode()
    return HttpAnswer(status=status, body=raw, **fields)


def a_fault(fault: Fault) -> HttpAnswer:
    return HttpAnswer(status=None, fault=fault)


def an_order_row(**changed: Any) -> dict[str, Any]:
    row = {
        "action": "BUY",
        "average_price": 0.0,
        "exchange": "NFO",
        "filled_quantity": 0,
        "order_status": "trigger pending",
        "orderid": "26112166700552",
        "pending_quantity": 65,
        "price": 163.0,
        "pricetype": "SL",
        "product": "MIS",
        "quantity": 65,
        "rejection_reason": "",
        "strategy": "cap",
        "symbol": CALL,
        "timestamp": "2026-11-21 14:59:50",
        "trigger_price": 160.0,
    }
    return row | changed


def a_trade_row(**changed: Any) -> dict[str, Any]:
    row = {
        "action": "SELL",
        "average_price": 149.95,
        "exchange": "NFO",
        "orderid": "26112146176923",
        "price": 149.95,
        "product": "MIS",
        "quantity": 65,
        "symbol": CALL,
        "timestamp": "2026-11-21 14:59:50",
        "trade_value": 9746.75,
        "tradeid": "TRADE-1",
    }
    return row | changed


def a_position_row(**changed: Any) -> dict[str, Any]:
    row = {"average_price": 149.95, "exchange": "NFO", "product": "MIS", "quantity": -65}
    return row | {"symbol": CALL} | changed


def a_price_frame(**changed: Any) -> bytes:
    """One market_data frame in mode 2; `changed` goes into its data, `frame` into the frame."""
    outer = {"type": "market_data", "symbol": CALL, "exchange": "NFO", "mode": 2, "broker": "x"}
    outer |= changed.pop("frame", {})
    data = {
        "symbol": CALL,
        "exchange": "NFO",
        "mode": "quote",
        "ltp": 138.05,
        "ltt": 1795253507000,
        "timestamp": 1795253507000,
        "volume": 2229955,
        "last_quantity": 65,
        "open": 155.85,
        "oi": 650000,
    }
    return json.dumps(outer | {"data": data | changed}).encode()


def an_order_frame(**changed: Any) -> bytes:
    frame = {
        "type": "order_update",
        "user_id": "simuser",
        "mode": "analyze",
        "orderid": "26112162756592",
        "symbol": CALL,
        "exchange": "NFO",
        "action": "SELL",
        "quantity": 65,
        "price": 149.95,
        "order_status": "complete",
        "filled_quantity": 65,
        "pending_quantity": 0,
        "rejection_reason": "",
    }
    return json.dumps(frame | changed).encode()
