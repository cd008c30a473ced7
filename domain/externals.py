"""What others trade in our symbols (`execution.md` 7.4): never ours, never closed, never covered.

A human who buys back a short of ours is believed once two snapshots show it; from then on the short
is smaller, so that its stop goes instead of opening a long. Too many orders that are not ours mean
that somebody else trades this account: then nothing is entered until a human says it is known.
"""

from domain import events as ev
from domain.blotter import Blotter
from domain.books import Action, Books
from domain.params import GuardParams
from domain.reasons import Condition
from domain.symbols import BadSymbol, parse
from domain.units import Micros, Symbol, Units


class Externals:
    """Holds each valid snapshot against what is ours. Mutable, owned by the order desk."""

    def __init__(self, blotter: Blotter, guard: GuardParams, underlying: str) -> None:
        self._blotter = blotter
        self._guard = guard
        self._underlying = underlying
        self._is_first = not blotter.ledger.orders and blotter.ledger.mode == "STARTING"
        self._seen: dict[Symbol, tuple[Micros, int]] = {}

    def jumped(self) -> None:
        """Begin to wait anew: the clock was set, or the process slept."""
        self._seen.clear()

    def weigh(self, books: Books) -> None:
        """Take a valid snapshot, after everything of ours was found in it."""
        for symbol in sorted({leg.symbol for leg in self._blotter.ledger.open_legs()}):
            self._return(symbol, books)

    def count(self, books: Books) -> None:
        """Notice another trader: one foreign order is enough if we never traded here today."""
        ledger = self._blotter.ledger
        unknown = ledger.foreign - ledger.acknowledged
        rows = [r for r in books.orders if r.orderid in unknown and self._is_ours(r.symbol)]
        bound = 1 if self._is_first else self._guard.foreign_orders_max
        if len(rows) >= bound and Condition.ANOTHER_TRADER not in ledger.unsafe:
            said = f"another trader? {len(rows)} orders that are not ours"
            ids = " ".join(sorted(row.orderid for row in rows))
            self._blotter.find(Condition.ANOTHER_TRADER, ids, said, books.got_at)
        self._is_first = False

    @property
    def is_waiting(self) -> bool:
        """Whether another read is to confirm that others bought a short of ours back."""
        return bool(self._seen)

    def _return(self, symbol: Symbol, books: Books) -> None:
        """Make our short smaller by what others bought back of it, once it was seen twice."""
        ledger = self._blotter.ledger
        bought = ledger.externals.get(symbol, 0) - ledger.returned.get(symbol, 0)
        is_ours_perhaps = ledger.outstanding(symbol, Action.BUY) is not None
        if bought <= 0 or is_ours_perhaps:
            self._seen.pop(symbol, None)
            return
        since, before = self._seen.setdefault(symbol, (books.asked_at, bought))
        if since >= books.asked_at:
            return
        del self._seen[symbol]
        left, price = min(before, bought), self._price(symbol, books)
        for leg in tuple(ledger.open_legs()):
            units = min(left, leg.short) if leg.symbol == symbol else 0
            if units > 0:
                left -= units
                closed = ev.ExternalClosed(
                    at=books.got_at, leg=leg.leg, units=Units(units), value=units * price
                )
                self._blotter.record(closed)

    def _price(self, symbol: Symbol, books: Books) -> int:
        """Return what others paid on average for what they bought, in whole paise."""
        own = self._blotter.ledger.own_ids()
        units, value = 0, 0
        for trade in books.trades:
            is_theirs = trade.symbol == symbol and trade.orderid not in own
            if is_theirs and trade.action is Action.BUY:
                units += trade.quantity
                value += trade.quantity * trade.price
        return value // units if units else 0

    def _is_ours(self, symbol: Symbol) -> bool:
        """Whether a symbol belongs to what we trade; before the day's choice, by its name."""
        if self._blotter.ledger.contract(symbol) is not None:
            return True
        try:
            return parse(symbol).name == self._underlying
        except BadSymbol:
            return False
