"""The margin calculator by REST. Its numbers are text, and it is asked of the broker itself."""

from decimal import Decimal, InvalidOperation

from domain.books import Action
from domain.units import Micros, Paise, Symbol, Units
from sandbox.api import requests as ask
from sandbox.api.answers import Body, Refused
from sandbox.api.desk import Desk
from sandbox.api.spelling import excessive, paise, rupees
from sandbox.kinds import OrderIn, PriceKind


def margin(desk: Desk, at: Micros, asked: ask.Margin) -> Body:
    """Answer /margin: the sum of what each order alone would block."""
    orders = [_order(desk, n, leg) for n, leg in enumerate(asked.positions, 1)]
    lines = [desk.exchange.margin(at, order) for order in orders]
    return {
        "data": {
            "total_margin_required": rupees(sum(line.total for line in lines)),
            "span_margin": rupees(sum(line.span for line in lines)),
            "exposure_margin": rupees(sum(line.exposure for line in lines)),
        }
    }


def _order(desk: Desk, n: int, leg: ask.MarginLeg) -> OrderIn:
    desk.known(leg.symbol, leg.exchange)
    return OrderIn(
        symbol=Symbol(leg.symbol),
        exchange=leg.exchange,
        action=Action(leg.action.upper()),
        quantity=_quantity(n, leg.quantity),
        kind=PriceKind(leg.pricetype),
        product=leg.product,
        price=_price(n, leg.price),
        trigger=_price(n, leg.trigger_price),
    )


def _quantity(n: int, written: str) -> Units:
    try:
        quantity = int(written)
    except ValueError:
        quantity = None
    if quantity is None or excessive(Decimal(quantity)):
        raise Refused(400, f"Position {n}: Invalid quantity format")
    if quantity <= 0:
        raise Refused(400, f"Position {n}: Quantity must be a positive number")
    return Units(quantity)


def _price(n: int, written: str) -> Paise:
    try:
        amount = Decimal(written)
        price = None if excessive(amount) else paise(amount)
    except (InvalidOperation, ValueError, OverflowError):
        price = None
    if price is None:
        raise Refused(400, f"Position {n}: Invalid price format")
    if price < 0:
        raise Refused(400, f"Position {n}: Price cannot be negative")
    return price
