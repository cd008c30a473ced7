"""The account at work: writes ground truth, folds it into the book, and tells what changed.

Every change goes through `_record`, so that what is pushed, what is booked and what is true cannot
differ. Works out charges and blocked money at the moment of a trade, because later nobody could.
"""

from collections.abc import Callable

import msgspec

from domain.books import Action
from domain.charges import charge
from domain.units import Micros, Paise, Symbol, Units, divide_half_up
from sandbox import margin
from sandbox.book import Book
from sandbox.kinds import (
    Change,
    FundsLine,
    MarginLine,
    OrderLine,
    OrderOut,
    Origin,
    Out,
    PositionLine,
    Status,
)
from sandbox.truth import Accepted, Payload, Refused, State, Traded, Truth
from sandbox.venue import Venue

Price = Callable[[Symbol], Paise]
"""How the account looks up last prices: contracts by symbol, indices by name."""


class Account:
    """One account: its truth, its book, and `outs`, what nobody has been told yet."""

    def __init__(self, venue: Venue, truth: Truth, price: Price) -> None:
        self.book = Book(venue.params.capital_p)
        self.book.fold(truth.rows)
        self.outs: list[Out] = []
        self.withheld: dict[str, int] = {}
        """Who leaves the account only a share of what it has available, in percent."""
        self._params = venue.params
        self._facts = venue.facts
        self._master = venue.master
        self._truth = truth
        self._price = price

    def accept(self, at: Micros, order: OrderLine) -> None:
        """Take an order into the book and hold its money back."""
        self._record(at, Accepted(order=order, reserve=self.reserve(order)))
        self._push(at, order.orderid, Change.NEW)

    def reject(self, at: Micros, order: OrderLine, text: str) -> None:
        """Leave a rejected row for an order that never worked."""
        row = msgspec.structs.replace(order, status=Status.REJECTED, reason=text)
        self._record(at, Refused(route="place", orderid=order.orderid, text=text, order=row))
        self._push(at, order.orderid, Change.REJECTED)

    def refuse(self, at: Micros, route: str, orderid: str, text: str) -> None:
        """Record that a write was refused and changed nothing."""
        self._record(at, Refused(route=route, orderid=orderid, text=text))

    def note(self, at: Micros, payload: Payload) -> None:
        """Record something that is no change of an order."""
        self._record(at, payload)

    def change(
        self, at: Micros, order: OrderLine, change: Change | None, origin: Origin = Origin.AGENT
    ) -> None:
        """Give an order in the book the values of `order`. Without `change` nothing is pushed."""
        state = State(
            orderid=order.orderid,
            status=order.status,
            change=change,
            quantity=order.quantity,
            price=order.price,
            trigger=order.trigger,
            triggered=order.triggered,
            modifies=order.modifies,
            reserve=self.reserve(order),
            reason=order.reason,
            origin=origin,
        )
        self._record(at, state)
        if change is not None:
            self._push(at, order.orderid, change)

    def trade(self, at: Micros, orderid: str, units: Units, price: Paise) -> None:
        """Execute part of an order."""
        order = self.book.orders[orderid]
        before = charge(order.action, order.value, self._facts.rates)
        after = charge(order.action, order.value + units * price, self._facts.rates)
        held = self.book.net(order.symbol, order.product) * order.action.sign
        opening = units - min(units, max(0, -held))
        fee = 0 if order.filled or order.origin is not Origin.RMS else self._rms_fee()
        self._record(
            at,
            Traded(
                tradeid=f"{orderid}-{len(self.book.trades) + 1}",
                orderid=orderid,
                symbol=order.symbol,
                exchange=order.exchange,
                product=order.product,
                action=order.action,
                quantity=units,
                price=price,
                origin=order.origin,
                charges=after.total - before.total + fee,
                blocked=self.blocks(order.symbol, order.action, opening, price).total,
            ),
        )
        self._push(at, orderid, Change.FILL, price)

    def blocks(self, symbol: Symbol, action: Action, units: int, price: Paise) -> MarginLine:
        """Return what opening so many units at `price` blocks."""
        contract = self._master[symbol]
        return margin.required(
            self._params.margin,
            contract,
            (action, units),
            (price, self._price(Symbol(contract.name))),
            expires_today=contract.expiry == self._facts.day,
        )

    def reserve(self, order: OrderLine) -> int:
        """Return what an order holds back for its whole quantity; nothing if it only reduces."""
        if not order.status.is_live:
            return 0
        reducible = self.book.reducible(order.symbol, order.product, order.action, order.orderid)
        opening = max(0, order.pending - reducible)
        blocked = self.blocks(order.symbol, order.action, opening, order.price).total
        # The book keeps it for the whole quantity and counts what is still pending of it.
        return blocked * order.quantity // order.pending if order.pending else 0

    def funds(self) -> FundsLine:
        """Return the money, marked at the last prices."""
        book = self.book
        marks = ((p, self._price(p.symbol)) for p in book.positions.values())
        return FundsLine(
            capital=book.capital,
            available=self.left_of(book.available),
            reserved=book.reserved,
            used=book.used,
            realised=book.realised,
            unrealised=sum(position.unrealised(ltp) for position, ltp in marks),
            charges=book.charges,
        )

    def left_of(self, available: int) -> int:
        """Return what may be blocked of an available amount."""
        pct = min(self.withheld.values(), default=100)
        return available * pct // 100 if available > 0 else available

    def positions(self) -> tuple[PositionLine, ...]:
        """Return every position of the day, marked at the last prices."""
        lines = []
        for held in self.book.positions.values():
            ltp = self._price(held.symbol)
            lines.append(
                PositionLine(
                    symbol=held.symbol,
                    exchange=held.exchange,
                    product=held.product,
                    net=held.net,
                    average=held.average,
                    ltp=ltp,
                    unrealised=held.unrealised(ltp),
                    realised=held.realised,
                )
            )
        return tuple(lines)

    def _rms_fee(self) -> int:
        fee = self._params.rms_fee_p
        return fee + divide_half_up(fee * self._facts.rates.gst_bps, 10_000)

    def _record(self, at: Micros, payload: Payload) -> None:
        self._truth.add(at, payload)
        self.book.apply(at, payload)

    def _push(self, at: Micros, orderid: str, change: Change, price: Paise | None = None) -> None:
        order = self.book.orders[orderid]
        shown = order.price if price is None else price
        self.outs.append(OrderOut(at=at, change=change, order=order, price=shown))
