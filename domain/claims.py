"""Fills that are claimed and not traded yet, by two of push, order row and position row.

Whichever book lags, a short may be there before its trade is shown. Two claims that agree for
`orders.fill_agree_s` are enough to protect it; trades alone are counted.
"""

from collections import defaultdict

from domain import events as ev
from domain.blotter import Blotter
from domain.books import Books, OrderPush, Status
from domain.orders import Order, Purpose
from domain.units import Micros, Symbol, Units, seconds

AGREE = 2
"""How many of the three must claim a fill."""


class Claims:
    """Compares what is claimed with the trades of live entries. Mutable, owned by the desk."""

    def __init__(self, blotter: Blotter, agree_s: float) -> None:
        self._blotter = blotter
        self._patience = seconds(agree_s)
        self._pushed: dict[str, int] = {}
        self._since: dict[str, tuple[Micros, int]] = {}

    @property
    def is_waiting(self) -> bool:
        """Whether a claim is to be seen once more."""
        return bool(self._since)

    def push(self, push: OrderPush) -> None:
        """Remember how much of an order a push calls filled."""
        self._pushed[push.orderid] = max(self._pushed.get(push.orderid, 0), push.filled)

    def jumped(self) -> None:
        """Begin to wait anew: the clock was set, or the process slept."""
        self._since.clear()

    def weigh(self, books: Books, *, is_believed: bool) -> None:
        """Take a snapshot in, after the trades of a believed one were counted.

        One that is not believed may claim; it takes nothing back, nor does silence: only a row of
        the order that still rests, or a row of the position that holds no more.
        """
        ledger = self._blotter.ledger
        held = self._beyond_trades(books)
        whole = {r.orderid: r.quantity for r in books.orders if r.status is Status.COMPLETE}
        resting = {r.orderid for r in books.orders if r.status is Status.TRIGGER_PENDING}
        told = {r.symbol for r in books.positions if r.product == "MIS"}
        for order in tuple(ledger.orders.values()):
            if order.purpose is Purpose.ENTRY and order.orderid:
                claimed = (
                    self._pushed.get(order.orderid, 0),
                    whole.get(order.orderid, 0),
                    order.filled + held.get(order.ticket.symbol, 0),
                )
                units = max(0, sorted(claimed)[-AGREE] - order.filled)
                is_said = order.orderid in resting or order.ticket.symbol in told
                self._take(order, units, books, denies=is_believed and is_said)

    def _take(self, order: Order, units: int, books: Books, *, denies: bool) -> None:
        leg = self._blotter.ledger.legs.get(order.leg)
        known = leg.unproved if leg else 0
        if units <= known:
            self._since.pop(order.intent, None)
            if units < known and denies:
                self._record(order, units, books)
        elif not order.state.is_terminal:
            since, before = self._since.get(order.intent, (books.asked_at, units))
            since = since if before == units else books.asked_at
            self._since[order.intent] = since, units
            if books.asked_at >= since + self._patience:
                del self._since[order.intent]
                self._record(order, units, books)

    def _record(self, order: Order, units: int, books: Books) -> None:
        agreed = ev.FillsAgreed(at=books.got_at, intent=order.intent, units=Units(units))
        self._blotter.record(agreed)

    def _beyond_trades(self, books: Books) -> dict[Symbol, int]:
        """Return how many units more are short by the position book than by all trades shown."""
        short: dict[Symbol, int] = defaultdict(int)
        for row in books.positions:
            if row.product == "MIS":
                short[row.symbol] -= row.net
        for trade in books.trades:
            if trade.product == "MIS":
                short[trade.symbol] += trade.action.sign * trade.quantity
        return {symbol: units for symbol, units in short.items() if units > 0}
