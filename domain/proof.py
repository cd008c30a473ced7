"""The proof of flat: two valid snapshots, apart, begun after our last own event, that show nothing.

An accepted order, an empty book or an exit code is never proof.
"""

from domain.books import Books, Status
from domain.ledger import Ledger
from domain.units import Micros, Symbol, seconds

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
    own = ledger.own_ids()
    if any(row.orderid in own and row.status in WORKING for row in books.orders):
        return False
    external: dict[Symbol, int] = {}
    for trade in books.trades:
        if trade.orderid not in own:
            signed = trade.action.sign * trade.quantity
            external[trade.symbol] = external.get(trade.symbol, 0) + signed
    return all(
        row.net == external.get(row.symbol, 0) for row in books.positions if row.product == "MIS"
    )
