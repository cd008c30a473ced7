"""The account as a fold of ground truth: orders, trades, positions, money.

`Book.apply` is the only thing that changes it and knows nothing but the rows, so that folding
`truth.jsonl` again gives the same book. P&L is by average cost; charges stand beside it and lower
what is available, as `sandbox.md` 5 says (Charges), never the P&L fields.
"""

from dataclasses import dataclass, replace

import msgspec

from domain.books import Action
from domain.units import Micros, Paise, Symbol, Units, divide_half_up
from sandbox.kinds import OrderLine, Status, TradeLine
from sandbox.truth import Accepted, Payload, Refused, Row, State, Traded


@dataclass(frozen=True, slots=True)
class Position:
    """One symbol and product. `cost` is the signed money of what is open: short is negative."""

    symbol: Symbol
    exchange: str
    product: str
    net: int = 0
    cost: int = 0
    realised: int = 0
    blocked: int = 0

    @property
    def average(self) -> Paise:
        """Average price of what is open, rounded half up; 0 when flat."""
        return Paise(divide_half_up(abs(self.cost), abs(self.net)) if self.net else 0)

    def unrealised(self, ltp: Paise) -> int:
        """Return the paise won or lost on what is open if it were closed at `ltp`."""
        return self.net * ltp - self.cost

    def traded(self, action: Action, units: Units, price: Paise, blocked: int) -> "Position":
        """Return the position after a trade; `blocked` belongs to the part of it that opens."""
        closing = min(units, abs(self.net)) if self.net * action.sign < 0 else 0
        left = self._closed(closing, action, price)
        opening = action.sign * (units - closing)
        return replace(
            left,
            net=left.net + opening,
            cost=left.cost + opening * price,
            blocked=left.blocked + blocked,
        )

    def _closed(self, units: int, action: Action, price: Paise) -> "Position":
        if not units:
            return self
        share = self.cost * units // abs(self.net)
        freed = self.blocked * units // abs(self.net)
        return replace(
            self,
            net=self.net + action.sign * units,
            cost=self.cost - share,
            realised=self.realised - share - action.sign * units * price,
            blocked=self.blocked - freed,
        )


class Book:
    """Everything the account's owner could ask about."""

    def __init__(self, capital: int) -> None:
        self.capital = capital
        self.orders: dict[str, OrderLine] = {}
        self.trades: list[TradeLine] = []
        self.positions: dict[tuple[Symbol, str], Position] = {}
        self.charges = 0
        self._reserves: dict[str, int] = {}
        self._live: dict[Symbol, dict[str, None]] = {}

    def apply(self, at: Micros, payload: Payload) -> None:
        """Fold one row; kinds that do not touch the account change nothing."""
        match payload:
            case Accepted():
                self._keep(payload.order)
                self._reserves[payload.order.orderid] = payload.reserve
            case Refused(order=OrderLine() as order):
                self._keep(order)
            case State():
                self._state(payload)
            case Traded():
                self._traded(at, payload)
            case _:
                pass

    def fold(self, rows: list[Row]) -> None:
        """Fold the rows of an earlier life."""
        for row in rows:
            self.apply(row.at, row.payload)

    @property
    def symbols(self) -> frozenset[Symbol]:
        """The symbols that have live orders."""
        return frozenset(self._live)

    def live(self, symbol: Symbol) -> list[OrderLine]:
        """Return the orders of a symbol that may still trade, oldest first."""
        return [self.orders[orderid] for orderid in self._live.get(symbol, ())]

    def all_live(self) -> list[OrderLine]:
        """Return every order that may still trade, oldest first."""
        return [order for order in self.orders.values() if order.status.is_live]

    def net(self, symbol: Symbol, product: str) -> int:
        """Return the signed units held."""
        position = self.positions.get((symbol, product))
        return position.net if position else 0

    def reducible(self, symbol: Symbol, product: str, action: Action, but: str = "") -> int:
        """Return how many units an order on this side would only close.

        Units that other live orders of the side already mean to close are taken off; `but` is an
        order not counted among those.
        """
        held = max(0, -self.net(symbol, product) * action.sign)
        meant = sum(
            order.pending
            for order in self.live(symbol)
            if order.action is action and order.product == product and order.orderid != but
        )
        return max(0, held - meant)

    def reserve_of(self, orderid: str) -> int:
        """Return the paise held back for what is still pending of an order."""
        order = self.orders.get(orderid)
        if order is None or not order.status.is_live:
            return 0
        return self._reserves.get(orderid, 0) * order.pending // order.quantity

    @property
    def reserved(self) -> int:
        """Paise held back for resting orders that would open something."""
        return sum(self.reserve_of(order.orderid) for order in self.all_live())

    @property
    def used(self) -> int:
        """Paise blocked by positions."""
        return sum(position.blocked for position in self.positions.values())

    @property
    def realised(self) -> int:
        """Paise won or lost on what was closed, before charges."""
        return sum(position.realised for position in self.positions.values())

    @property
    def available(self) -> int:
        """Paise an order may still block; capital + realised - charges = this + reserved + used."""
        return self.capital + self.realised - self.charges - self.reserved - self.used

    def _keep(self, order: OrderLine) -> None:
        self.orders[order.orderid] = order
        if order.status.is_live:
            self._live.setdefault(order.symbol, {})[order.orderid] = None
            return
        live = self._live.get(order.symbol, {})
        live.pop(order.orderid, None)
        if not live:
            self._live.pop(order.symbol, None)

    def _state(self, change: State) -> None:
        order = msgspec.structs.replace(
            self.orders[change.orderid],
            status=change.status,
            quantity=change.quantity,
            price=change.price,
            trigger=change.trigger,
            triggered=change.triggered,
            modifies=change.modifies,
            reason=change.reason,
        )
        self._keep(order)
        self._reserves[change.orderid] = change.reserve

    def _traded(self, at: Micros, trade: Traded) -> None:
        order = self.orders[trade.orderid]
        filled = Units(order.filled + trade.quantity)
        after = msgspec.structs.replace(
            order,
            filled=filled,
            value=order.value + trade.quantity * trade.price,
            status=Status.COMPLETE if filled == order.quantity else order.status,
        )
        self._keep(after)
        key = (trade.symbol, trade.product)
        held = self.positions.get(key) or Position(trade.symbol, trade.exchange, trade.product)
        self.positions[key] = held.traded(trade.action, trade.quantity, trade.price, trade.blocked)
        self.charges += trade.charges
        self.trades.append(_line(at, trade, order))


def _line(at: Micros, trade: Traded, order: OrderLine) -> TradeLine:
    return TradeLine(
        at=at,
        tradeid=trade.tradeid,
        orderid=trade.orderid,
        symbol=trade.symbol,
        exchange=trade.exchange,
        action=trade.action,
        product=trade.product,
        quantity=trade.quantity,
        price=trade.price,
        strategy=order.strategy,
        origin=trade.origin,
    )
