"""Whether a snapshot of the broker's books may be believed at all.

Failed reads can come back as `200 success []`, so silence is no evidence: a snapshot that lacks
anything we know of today is invalid and changes nothing.
"""

import hashlib
from collections import defaultdict

import msgspec

from domain.books import Books
from domain.ledger import Ledger
from domain.symbols import is_option
from domain.units import Symbol, seconds


class Verdict(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is wrong with a snapshot; no faults: it is valid.

    `lags`: nothing but positions that do not equal the trades, as when one book is behind another.
    `gone`: symbols where our own position is not in the position book, whatever the trades say.
    """

    faults: tuple[str, ...] = ()
    lags: bool = False
    gone: tuple[Symbol, ...] = ()


class Yardstick:
    """What the books of today showed so far: none of it may be missing later. Mutable.

    It knows more than the journal does: orders and trades of others, and which trades were there.
    """

    def __init__(self) -> None:
        self._orders: set[str] = set()
        self._trades: set[tuple[str, str]] = set()
        self._traded: dict[str, int] = {}

    def judge(self, books: Books, ledger: Ledger, mode: str, window_s: float) -> Verdict:
        """Return whether a snapshot may be believed, and remember it if so."""
        found = tuple(dict.fromkeys((*_lacks(books, ledger, mode, window_s), *self._lost(books))))
        unequal = tuple(_unequal_positions(books, ledger))
        if not found and not unequal:
            self._keep(books)
        gone = tuple(_gone(books, ledger)) if unequal and not found else ()
        return Verdict(faults=(*found, *unequal), lags=bool(unequal) and not found, gone=gone)

    def _lost(self, books: Books) -> list[str]:
        """Return what was there before; it is asked for whatever the clock did since."""
        shown = {r.orderid for r in books.orders} | {r.orderid for r in books.unread}
        trades = {(t.orderid, t.tradeid) for t in books.trades}
        sums = _sums(books)
        fell = [i for i, units in self._traded.items() if sums.get(i, 0) < units]
        return [
            *(_missing(orderid) for orderid in sorted(self._orders - shown)),
            *(f"trade {name} of {of} is missing" for of, name in sorted(self._trades - trades)),
            *(_fell(orderid, self._traded[orderid], sums.get(orderid, 0)) for orderid in fell),
        ]

    def _keep(self, books: Books) -> None:
        self._orders.update(row.orderid for row in books.orders)
        self._trades.update((t.orderid, t.tradeid) for t in books.trades if t.tradeid)
        self._traded = _sums(books)


def faults(books: Books, ledger: Ledger, mode: str, window_s: float) -> tuple[str, ...]:
    """Return what is wrong with one snapshot by itself; an empty tuple: it is valid."""
    return (*_lacks(books, ledger, mode, window_s), *_unequal_positions(books, ledger))


def _lacks(books: Books, ledger: Ledger, mode: str, window_s: float) -> tuple[str, ...]:
    """Return what a snapshot lacks, positions aside; an empty tuple: nothing.

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
    return [_missing(orderid) for orderid in sorted((known | ledger.foreign) - shown)]


def _missing_trades(books: Books, ledger: Ledger) -> list[str]:
    traded = _sums(books)
    return [
        _fell(order.orderid, order.filled, traded.get(order.orderid, 0))
        for order in ledger.orders.values()
        if order.filled > traded.get(order.orderid, 0) and order.changed_at < books.asked_at
    ]


def _missing(orderid: str) -> str:
    return f"order {orderid} is missing"


def _fell(orderid: str, before: int, now: int) -> str:
    return f"trades of {orderid} fell from {before} to {now}"


def _sums(books: Books) -> dict[str, int]:
    """Return the units each order traded."""
    traded: dict[str, int] = defaultdict(int)
    for trade in books.trades:
        traded[trade.orderid] += trade.quantity
    return dict(traded)


def _gone(books: Books, ledger: Ledger) -> list[Symbol]:
    """Return symbols where we are short and the book holds no more than others account for."""
    own = ledger.own_ids()
    held: dict[Symbol, int] = defaultdict(int)
    for row in books.positions:
        if row.product == "MIS":
            held[row.symbol] += row.net
    for trade in books.trades:
        if trade.product == "MIS" and trade.orderid not in own:
            held[trade.symbol] -= trade.action.sign * trade.quantity
    return sorted(s for s, net in ledger.own_net().items() if net and not held[s])


def _matters(symbol: Symbol, ledger: Ledger, own: set[Symbol]) -> bool:
    """Whether a symbol is one we trade, or before the day's choice might; else it is others'."""
    if symbol in own or ledger.contract(symbol) is not None:
        return True
    return ledger.chain is None and is_option(symbol)


def _unequal_positions(books: Books, ledger: Ledger) -> list[str]:
    """Compare the trades of symbols that matter with their position.

    MIS carries nothing over from yesterday. What others do elsewhere in the account, such as
    turning shares into CNC, is no reason to disbelieve the books.
    """
    own = {order.ticket.symbol for order in ledger.orders.values()}
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
        if difference and _matters(symbol, ledger, own)
    ]
