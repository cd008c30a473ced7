"""The three order writes: what the wire asks for becomes a value the exchange understands.

A write that has passed schema and key is checked here only for what the exchange cannot be told:
a price with a fraction of a paisa or of too many digits, and the broker's own count per calendar
second.
"""

from decimal import Decimal

from domain.books import Action
from domain.units import Micros, Paise, Symbol, Units
from sandbox import refusals
from sandbox.api import requests as ask
from sandbox.api.answers import Body, Refused
from sandbox.api.desk import Desk
from sandbox.api.quirks import FIXED_KIND
from sandbox.api.spelling import excessive, paise
from sandbox.exchange import Deferred
from sandbox.kinds import Answer, ModifyIn, No, OrderIn, PriceKind


def place(desk: Desk, at: Micros, asked: ask.PlaceOrder) -> Deferred:
    """Hand a new order to the exchange."""
    return desk.counter.place(at, order_in(desk, asked), desk.twist)


def modify(desk: Desk, at: Micros, asked: ask.ModifyOrder) -> Deferred:
    """Hand a modification to the exchange. It looks at the order's id only.

    `modify_remaining` means what is still to be traded; `sl_to_limit_refused` refuses another type.
    """
    order = desk.books.order(asked.orderid)
    quirks, filled = desk.exchange.quirks, 0
    if order and "sl_to_limit_refused" in quirks and asked.pricetype != order.kind:
        raise Refused(400, FIXED_KIND)
    if order and "modify_remaining" in quirks:
        filled = order.filled
    change = ModifyIn(
        orderid=asked.orderid,
        quantity=Units(int(asked.quantity) + filled),
        price=_on_paisa(desk, asked, asked.price),
        trigger=_on_paisa(desk, asked, asked.trigger_price),
        kind=PriceKind(asked.pricetype),
    )
    return desk.counter.modify(at, change, desk.twist)


def cancel(desk: Desk, at: Micros, asked: ask.OneOrder) -> Deferred:
    """Hand a cancel to the exchange."""
    return desk.counter.cancel(at, asked.orderid, desk.twist)


def order_in(desk: Desk, asked: ask.PlaceOrder) -> OrderIn:
    """Return an order as the exchange takes it, or refuse a price it could not even hold."""
    return OrderIn(
        symbol=Symbol(asked.symbol),
        exchange=asked.exchange,
        action=Action(asked.action.upper()),
        quantity=Units(int(asked.quantity)),
        kind=PriceKind(asked.pricetype),
        product=asked.product,
        price=_on_paisa(desk, asked, asked.price),
        trigger=_on_paisa(desk, asked, asked.trigger_price),
        strategy=asked.strategy,
    )


def answered(answer: Answer, said: str) -> Body:
    """Return the body of an accepted write, or refuse; `said` is the route's own sentence."""
    if isinstance(answer, No):
        raise Refused(answer.status, answer.text)
    return {"orderid": answer.orderid, **({"message": said} if said else {})}


def _on_paisa(desk: Desk, asked: ask.PlaceOrder | ask.ModifyOrder, price: Decimal) -> Paise:
    if excessive(price):
        raise Refused(400, refusals.BAD_PRICE)
    found = paise(price)
    if found is not None:
        return found
    instrument = desk.exchange.instrument(asked.symbol, asked.exchange)
    if instrument is None:
        raise Refused(400, refusals.unknown_symbol(asked.symbol, asked.exchange))
    raise Refused(400, refusals.off_tick(f"{price.normalize():f}", instrument.tick))
