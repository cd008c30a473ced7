"""Whether a snapshot of the broker's books may be believed at all.

Failed reads can come back as `200 success []`, so silence is no evidence: a snapshot that lacks
anything we know of today is invalid and changes nothing.
"""

import hashlib
from collections import defaultdict

import msgspec

from domain.books import Books
from domain.ledger import Ledger
from domain.units import Symbol, seconds


def faults(books: Books, ledger: Ledger, mode: str, window_s: float) -> tuple[str, ...]:
    """Return what is wrong with a snapshot; an empty tuple means it is valid.

    `ledger` is folded from the journal; `mode` is the mode captured at the start. Only what was
    known before the first of the three reads was asked can be missed.
    """
    found = []
    if books.mode and books.mode != mode:
        found.append(f"mode is {books.mode}, started in {mode}")
    if books.got_at - books.asked_at > seconds(window_s):
        found.append("the three reads took too long")
    found += _unread_orders(books, ledger)
    found += _missing_orders(books, ledger)
    found += _missing_trades(books, ledger)
    found += _unequal_positions(books)
    return tuple(found)


def digest(books: Books) -> str:
    """Return the SHA-256 of what the books say, whatever the order of their rows."""
    rows: list[bytes] = sorted(
        msgspec.json.encode(row)
        for row in (*books.orders, *books.trades, *books.positions, *books.unread)
    )
    return hashlib.sha256(b"\n".join(rows)).hexdigest()


def _unread_orders(books: Books, ledger: Ledger) -> list[str]:
    """Only a row of ours has to make sense; for one that may be ours see `domain.evidence`."""
    own = ledger.own_ids()
    return [
        f"order {row.orderid} cannot be read ({row.reason})"
        for row in books.unread
        if row.orderid in own
    ]


def _missing_orders(books: Books, ledger: Ledger) -> list[str]:
    shown = {row.orderid for row in books.orders} | {row.orderid for row in books.unread}
    known = {
        order.orderid
        for order in ledger.orders.values()
        if order.orderid and order.changed_at < books.asked_at
    }
    return [f"order {orderid} is missing" for orderid in sorted((known | ledger.foreign) - shown)]


def _missing_trades(books: Books, ledger: Ledger) -> list[str]:
    traded: dict[str, int] = defaultdict(int)
    for trade in books.trades:
        traded[trade.orderid] += trade.quantity
    return [
        f"trades of {order.orderid} fell from {order.filled} to {traded[order.orderid]}"
        for order in ledger.orders.values()
        if order.filled > traded[order.orderid] and order.changed_at < books.asked_at
    ]


def _unequal_positions(books: Books) -> list[str]:
    """Compare each symbol's trades with its position; MIS carries nothing over from yesterday."""
    net: dict[Symbol, int] = defaultdict(int)
    for trade in books.trades:
        if trade.product == "MIS":
            net[trade.symbol] += trade.action.sign * trade.quantity
    for row in books.positions:
        if row.product == "MIS":
            net[row.symbol] -= row.net
    return [
        f"{symbol}: trades and position differ by {difference}"
        for symbol, difference in sorted(net.items())
        if difference
    ]
