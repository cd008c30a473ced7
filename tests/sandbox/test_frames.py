"""The frames the server pushes by itself: prices in three modes, and order updates."""

import json
from typing import Any

from domain.units import Paise, Units
from sandbox.frames import Frames
from sandbox.kinds import Change, Level, OrderOut, Shown, Status
from sandbox.stream import StreamSession
from tests.sandbox.stage import AT, CALL, a_desk, a_price, an_order
from tests.sandbox.talking import (
    AUTH,
    BROKER,
    OPENED,
    a_session,
    seen,
    subscribed,
    tell,
)


def test_price_of_each_mode_has_its_fields() -> None:
    ltp = {
        "symbol": CALL,
        "exchange": "NFO",
        "mode": "ltp",
        "ltp": 138.0,
        "ltt": AT // 1000 - 1000,
        "timestamp": AT // 1000,
    }
    level = Level(Paise(13_795), Units(65), 1)
    book = Shown(bids=(level,), asks=())
    quote = ltp | {
        "mode": "quote",
        "volume": 2230020,
        "last_quantity": 65,
        "average_price": 138.0,
        "total_buy_quantity": 65,
        "total_sell_quantity": 0,
        "open": 155.85,
        "high": 157.41,
        "low": 136.62,
        "close": 158.5,
        "oi": 650000,
    }
    nothing = {"price": 0.0, "quantity": 0, "orders": 0}
    best = {"price": 137.95, "quantity": 65, "orders": 1}
    full = quote | {
        "mode": "full",
        "depth": {"buy": [best] + [nothing] * 4, "sell": [nothing] * 5},
    }
    for mode, data in ((1, ltp), (2, quote), (3, full)):
        session = a_session()
        subscribed(session, mode)
        assert seen(session, shown=book) == {
            "type": "market_data",
            "symbol": CALL,
            "exchange": "NFO",
            "mode": mode,
            "broker": BROKER,
            "data": data,
        }


def test_price_is_encoded_once_for_all_who_hold_it_in_a_mode() -> None:
    frames = Frames()
    sessions = [StreamSession(a_desk(), frames, OPENED) for _ in range(3)]
    for session, mode in zip(sessions, (2, 2, 1), strict=True):
        tell(session, **AUTH)
        subscribed(session, mode)
    price = a_price()
    first, second, third = (session.market(price) for session in sessions)
    assert first is second
    assert third is not first
    assert sessions[0].market(a_price(ltp=Paise(13_805))) is not first


def an_out(change: Change, **changes: Any) -> OrderOut:
    order = an_order(**changes)
    price = Paise(16_200) if change is Change.FILL else order.price
    return OrderOut(at=AT, change=change, order=order, price=price)


def pushed(session: StreamSession, out: OrderOut) -> dict[str, Any]:
    frame = session.order(out)
    assert frame is not None
    update: dict[str, Any] = json.loads(frame)
    return update


def test_order_updates_come_to_who_asked_for_them() -> None:
    session = a_session()
    out = an_out(Change.NEW)
    assert session.order(out) is None
    assert tell(session, action="subscribe_orders", request_id="o1") == {
        "type": "subscribe_orders",
        "status": "success",
        "message": "Subscribed to order updates",
        "request_id": "o1",
    }
    assert pushed(session, out) == {
        "type": "order_update",
        "user_id": "sutradhar",
        "mode": "analyze",
        "broker": "sandbox",
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
        "filled_quantity": 0,
        "pending_quantity": 0,
        "average_price": 0.0,
        "rejection_reason": "",
    }
    assert tell(session, action="unsubscribe_orders") == {
        "type": "unsubscribe_orders",
        "status": "success",
        "message": "Unsubscribed from order updates",
    }
    assert session.order(out) is None


def test_fill_shows_its_price_and_only_then_what_is_pending() -> None:
    session = a_session(is_live=True)
    tell(session, action="subscribe_orders")
    partial = {"status": Status.OPEN, "quantity": Units(130), "filled": Units(65)}
    update = pushed(session, an_out(Change.FILL, **partial, value=65 * 16_200))
    shown = ("price", "average_price", "filled_quantity", "pending_quantity", "mode", "broker")
    assert [update[name] for name in shown] == [162.0, 162.0, 65, 65, "live", BROKER]
    update = pushed(session, an_out(Change.TRIGGERED, status=Status.OPEN))
    assert (update["order_status"], update["pending_quantity"]) == ("open", 0)
    rejected = an_out(Change.REJECTED, status=Status.REJECTED, reason="Trigger price crossed")
    assert pushed(session, rejected)["rejection_reason"] == "Trigger price crossed"
