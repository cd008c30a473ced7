"""What a journal lacks that was put back from a backup: exits sent after the copy was made.

Its orders are known, and what became of them stands in the books. A stop or cover that replaced one
of them since is not, and beside it a second one must not be sent: both would buy. Ask at a start,
after orphans were taken over and before the snapshot is weighed.
"""

from collections.abc import Iterator, Sequence

from domain import events as ev
from domain.books import Action, Books, OrderRow
from domain.ledger import Ledger
from domain.orders import Pending, Purpose, State
from domain.orphans import ENDED, adopted, enough, is_buying
from domain.units import Micros, Symbol


def behind(books: Books, ledger: Ledger, prefix: str) -> tuple[ev.Event, ...]:
    """Return how working BUY orders nobody knows are taken for the shorts of ours they may cover.

    A short is what the trades of our own orders come to, and no more than the broker shows. Taken
    are so many orders as it lacks, one that fits exactly before all others, stops before limits.
    """
    events: list[ev.Event] = []
    for symbol, leg in _sold(books, ledger).items():
        rows = [row for row in books.orders if row.symbol == symbol and row.product == "MIS"]
        missing = _missing(books, ledger, symbol, rows)
        unknown = [r for r in rows if is_buying(r) and r.orderid not in ledger.known_ids()]
        stops = [row for row in unknown if row.trigger > 0]
        limits = [row for row in unknown if row.trigger <= 0]
        taken = enough(stops, missing) if missing > 0 else []
        left = missing - sum(row.quantity for row in taken)
        taken += enough(limits, left) if left > 0 else []
        for row in taken:
            events += adopted(row, leg, f"{prefix}-behind-{row.orderid}", books.got_at)
        if taken:
            events += _doubted(ledger, rows, books.got_at)
    return tuple(events)


def _doubted(ledger: Ledger, rows: Sequence[OrderRow], at: Micros) -> Iterator[ev.Event]:
    """Let exits of ours that the books show ended cover nothing, until a second read proves it.

    Else what was just taken would be one too many.
    """
    ended = {row.orderid for row in rows if row.status in ENDED}
    for order in ledger.orders.values():
        if order.purpose is not Purpose.ENTRY and order.orderid in ended and order.state.is_working:
            yield ev.StateChanged(
                at=at,
                intent=order.intent,
                state=State.ACKED,
                pending=Pending.NONE,
                orderid=order.orderid,
                reason="the books show it ended",
            )


def _sold(books: Books, ledger: Ledger) -> dict[Symbol, str]:
    """Return the newest leg of each symbol in which an entry of ours has traded."""
    traded = {trade.orderid for trade in books.trades}
    return {
        order.ticket.symbol: order.leg
        for order in ledger.orders.values()
        if order.purpose is Purpose.ENTRY and order.orderid in traded
    }


def _missing(books: Books, ledger: Ledger, symbol: Symbol, rows: Sequence[OrderRow]) -> int:
    """Return how many units of ours nothing of ours would buy back."""
    own = ledger.own_ids()
    short = sum(_signed(books, symbol, own))
    shown = sum(-row.net for row in books.positions if (row.symbol, row.product) == (symbol, "MIS"))
    covers = sum(
        row.quantity - _bought(books, row) for row in rows if is_buying(row) and row.orderid in own
    )
    return min(short, max(0, shown)) - covers


def _signed(books: Books, symbol: Symbol, own: frozenset[str] | set[str]) -> Iterator[int]:
    for trade in books.trades:
        if trade.symbol == symbol and trade.orderid in own:
            yield trade.quantity if trade.action is Action.SELL else -trade.quantity


def _bought(books: Books, row: OrderRow) -> int:
    return sum(trade.quantity for trade in books.trades if trade.orderid == row.orderid)
