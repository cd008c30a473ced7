"""The proof of flat: two valid snapshots, apart, begun after our last own event, that show nothing.

An accepted order, an empty book or an exit code is never proof. While it fails to come, a human is
told each minute what is left.
"""

from collections.abc import Callable

from domain.books import Books, Status
from domain.ledger import Ledger
from domain.orders import APPEARS_WITHIN, Order
from domain.pages import PageCode
from domain.units import Micros, Paise, Symbol, rupees, seconds

APART = seconds(2)

WORKING = {Status.OPEN, Status.TRIGGER_PENDING}


class Proof:
    """Collects the two reads. Any event of our own orders starts it again."""

    def __init__(self) -> None:
        self._reads: list[tuple[Micros, str]] = []

    def weigh(self, books: Books, digest: str, ledger: Ledger) -> tuple[str, str] | None:
        """Return the digests of the two snapshots once they prove the book flat, else None."""
        if not _shows_flat(books, ledger):
            self._reads.clear()
            return None
        self._reads = [read for read in self._reads if read[0] > ledger.moved_at]
        self._reads.append((books.asked_at, digest))
        first, last = self._reads[0], self._reads[-1]
        return (first[1], last[1]) if last[0] - first[0] >= APART else None


def _shows_flat(books: Books, ledger: Ledger) -> bool:
    """Whether this snapshot, begun after our last event, leaves nothing of ours anywhere."""
    if not ledger.is_quiet or books.asked_at <= ledger.moved_at:
        return False
    if any(ledger.own_net().values()):
        return False
    young = books.asked_at - APPEARS_WITHIN
    if any(o.may_appear and (o.sent_at or 0) > young for o in ledger.orders.values()):
        return False
    own = ledger.own_ids()
    if any(row.orderid in own and row.status in WORKING for row in books.orders):
        return False
    external = {symbol: -units for symbol, units in ledger.returned.items()}
    for trade in books.trades:
        if trade.orderid not in own:
            signed = trade.action.sign * trade.quantity
            external[trade.symbol] = external.get(trade.symbol, 0) + signed
    return all(
        row.net == external.get(row.symbol, 0) for row in books.positions if row.product == "MIS"
    )


NOTHING_LEFT = "nothing of ours is open, but the books do not confirm it"
SQUARED_OFF_AFTER = seconds(120)
"""How long after the broker's own square-off the book may still be waited for."""
LOOK_FIRST = seconds(30)
"""A process that starts after that reads the books before it raises the loudest alarm there is."""


class Vigil:
    """When a human is told that the book ought to be flat and is not proved so."""

    def __init__(self, patience_s: int, square_off: Micros | None) -> None:
        self._patience = seconds(patience_s)
        self._late = None if square_off is None else square_off + SQUARED_OFF_AFTER
        self._since: Micros | None = None

    def overdue(self, at: Micros, *, waiting: bool) -> PageCode | None:
        """Return what to tell: `exit.proof_s` after the wait began, worse after the square-off."""
        if not waiting:
            self._since = None
            return None
        self._since = at if self._since is None else min(self._since, at)
        if self._late is not None and at >= max(self._late, self._since + LOOK_FIRST):
            return PageCode.LATE_NOT_FLAT
        return PageCode.NOT_FLAT if at >= self._since + self._patience else None


def manual_list(ledger: Ledger, last: Callable[[Symbol], Paise | None]) -> tuple[str, ...]:
    """Return what a human has to close or cancel at the broker, one line for each symbol.

    `last` tells the newest price we know, in paise. Empty: nothing is open by our own account, but
    the broker's books do not confirm it.
    """
    net = {symbol: units for symbol, units in ledger.own_net().items() if units}
    live = tuple(ledger.live())
    symbols = sorted({*net, *(order.ticket.symbol for order in live)})
    return tuple(_left(symbol, net.get(symbol, 0), last(symbol), live) for symbol in symbols)


def _left(symbol: Symbol, net: int, last: Paise | None, live: tuple[Order, ...]) -> str:
    side = "long" if net > 0 else "short"
    held = f"{side} {abs(net)}" if net else "no position"
    price = "unknown" if last is None else rupees(last)
    names = [
        order.orderid or f"{order.state} without an id"
        for order in live
        if order.ticket.symbol == symbol
    ]
    return f"{symbol} {held} last={price} orders={','.join(names) or 'none'}"
