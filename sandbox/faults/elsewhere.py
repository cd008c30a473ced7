"""The other world of a server whose mode was flipped: orders are taken there and never trade.

Nothing of it is in ground truth, which only says that a write went there.
"""

import msgspec

from domain.session import local
from domain.units import Micros
from sandbox import refusals
from sandbox.exchange import Deferred
from sandbox.kinds import (
    Answer,
    Done,
    FundsLine,
    ModifyIn,
    No,
    OrderIn,
    OrderLine,
    PositionLine,
    Status,
    TradeLine,
    Twist,
    line_of,
)


class Elsewhere:
    """An account of another world, empty when it is first looked at."""

    has_funds = True

    def __init__(self, capital: int) -> None:
        self._capital = capital
        self._orders: dict[str, OrderLine] = {}

    def place(self, at: Micros, order: OrderIn, twist: Twist) -> Deferred:
        """Take an order; it rests for ever."""
        del twist
        orderid = f"{local(at):%y%m%d}9{len(self._orders) + 1:07d}"
        self._orders[orderid] = line_of(order, orderid, at)
        return Deferred(at, Done(orderid=orderid))

    def modify(self, at: Micros, change: ModifyIn, twist: Twist) -> Deferred:
        """Change an order of this world."""
        del twist
        return self._changed(
            at,
            change.orderid,
            quantity=change.quantity,
            price=change.price,
            trigger=change.trigger,
        )

    def cancel(self, at: Micros, orderid: str, twist: Twist) -> Deferred:
        """End an order of this world."""
        del twist
        return self._changed(at, orderid, status=Status.CANCELLED)

    def order(self, orderid: str) -> OrderLine | None:
        """Return one order, or None."""
        return self._orders.get(orderid)

    def orders(self) -> tuple[OrderLine, ...]:
        """Return the orders, oldest first."""
        return tuple(self._orders.values())

    def trades(self) -> tuple[TradeLine, ...]:
        """Return nothing: nothing trades."""
        return ()

    def positions(self, at: Micros) -> tuple[PositionLine, ...]:
        """Return nothing: nothing trades."""
        del at
        return ()

    def funds(self, at: Micros) -> FundsLine:
        """Return money nobody has touched."""
        del at
        nothing = dict.fromkeys(("reserved", "used", "realised", "unrealised", "charges"), 0)
        return FundsLine(capital=self._capital, available=self._capital, **nothing)

    def _changed(self, at: Micros, orderid: str, **values: object) -> Deferred:
        return Deferred(at, self._change(orderid, values))

    def _change(self, orderid: str, values: dict[str, object]) -> Answer:
        order = self._orders.get(orderid)
        if order is None:
            return No(status=404, text=refusals.unknown_order(orderid))
        if not order.status.is_live:
            return No(status=400, text=refusals.not_cancellable(order.status))
        self._orders[orderid] = msgspec.structs.replace(order, **values)
        return Done(orderid=orderid)
