"""Ours against the broker's, symbol by symbol, for a human to read.

It decides nothing: what is done about a difference is decided by the order desk, by its own reads.
"""

from collections import Counter
from collections.abc import Iterable

import msgspec

from domain.books import Books, OrderRow, Status
from domain.ledger import Ledger
from domain.units import Symbol

EQUAL, NOT_OURS, POSITION, ORDERS = "equal", "not ours", "POSITION DIFFERS", "ORDERS DIFFER"
WORKING = frozenset({Status.OPEN, Status.TRIGGER_PENDING})
HEAD = ("symbol", "ours", "broker", "others", "difference", "our orders", "there", "verdict")


class Tally(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One symbol, in units; a short is negative.

    `ours` is what our own trades come to, also those the journal does not have yet. `others` is
    what trades that are not ours come to, without what they bought back of our shorts: that is off
    ours already. `difference` is what is left of the broker's position without them and ours.
    `orders` are ours that live, `working` those of them in the book; one without an id yet is not
    counted as working, and one that trades filled does not live.
    """

    symbol: Symbol
    ours: int
    broker: int
    others: int
    orders: int
    working: int

    @property
    def difference(self) -> int:
        """The units that nobody explains."""
        return self.broker - self.ours - self.others

    @property
    def verdict(self) -> str:
        """In two words; upper case: somebody has to look."""
        if self.difference:
            return POSITION
        if self.orders != self.working:
            return ORDERS
        return NOT_OURS if self.others and not (self.ours or self.orders) else EQUAL

    @property
    def is_equal(self) -> bool:
        """Whether nobody has to look."""
        return self.verdict in {EQUAL, NOT_OURS}


def tally(books: Books, ledger: Ledger) -> tuple[Tally, ...]:
    """Return every symbol that we, the broker or somebody else has to do with today."""
    own = ledger.own_ids()
    traded: Counter[str] = Counter()
    ours = Counter(ledger.own_net())
    broker = Counter({row.symbol: row.net for row in books.positions if row.product == "MIS"})
    others = Counter({symbol: -units for symbol, units in ledger.returned.items()})
    for trade in books.trades:
        if trade.orderid in own:
            traded[trade.orderid] += trade.quantity
        elif trade.product == "MIS":
            others[trade.symbol] += trade.action.sign * trade.quantity
    for order in ledger.orders.values():
        news = traded[order.orderid] - order.filled
        if news > 0:
            ours[order.ticket.symbol] += order.ticket.action.sign * news
    live = {
        order.orderid or order.intent: order.ticket.symbol
        for order in ledger.live()
        if traded[order.orderid] < order.ticket.quantity
    }
    orders, working = Counter(live.values()), _working(books.orders, live)
    symbols = sorted({*ours, *broker, *others, *orders})
    return tuple(
        Tally(
            symbol=symbol,
            ours=ours[symbol],
            broker=broker[symbol],
            others=others[symbol],
            orders=orders[symbol],
            working=working[symbol],
        )
        for symbol in symbols
    )


def table(tallies: Iterable[Tally]) -> list[str]:
    """Return the rows as lines under a head, columns aligned."""
    rows = [HEAD, *map(_cells, tallies)]
    widths = [max(len(row[n]) for row in rows) for n in range(len(HEAD))]
    return [_line(row, widths) for row in rows]


def _working(rows: Iterable[OrderRow], live: dict[str, Symbol]) -> Counter[Symbol]:
    found = (live[row.orderid] for row in rows if row.orderid in live and row.status in WORKING)
    return Counter(found)


def _cells(row: Tally) -> tuple[str, ...]:
    numbers = (row.ours, row.broker, row.others, row.difference, row.orders, row.working)
    return (row.symbol, *map(str, numbers), row.verdict)


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    first, *numbers, verdict = row
    cells = (cell.rjust(width) for cell, width in zip(numbers, widths[1:-1], strict=True))
    return f"{first.ljust(widths[0])}  {'  '.join(cells)}  {verdict}"
