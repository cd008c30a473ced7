"""Shorts that no journal explains: they are listed, and taken over only where they are named."""

import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from cli.inquiry import Asker
from cli.levers import Refused
from cli.reach import Reached
from domain import clock
from domain.books import Books, PositionRow
from domain.calls import Failed, ReadBooks
from domain.errors import ConfigError
from domain.events import Recovered
from domain.ledger import Ledger
from domain.orphans import Terms, orphans
from domain.symbols import BadSymbol, parse
from domain.units import Symbol
from journal.opening import open_orders
from journal.orders import NAME as JOURNAL
from journal.orders import OrderJournal


def read(reached: Reached) -> Books:
    """Return the broker's books as they are now. Raises Refused if they cannot be read."""
    with closing(Asker(reached.settings)) as asker:
        reply = asker.ask(ReadBooks(urgent=True))
    if isinstance(reply, Failed):
        raise Refused(f"the books cannot be read: {reply.status or 'no answer'} {reply.text}")
    assert isinstance(reply, Books)
    return reply


def shorts(books: Books, underlying: str) -> dict[Symbol, PositionRow]:
    """Return the MIS shorts in options of our underlying."""
    rows = (row for row in books.positions if row.product == "MIS" and row.net < 0)
    return {row.symbol: row for row in rows if _is_ours(row.symbol, underlying)}


def chosen(
    found: dict[Symbol, PositionRow], wanted: tuple[str, ...], say: Callable[[str], None]
) -> tuple[Symbol, ...]:
    """List what is there and return what was named. Raises ConfigError for what is not there."""
    say("no journal of today explains what this account holds; one read of the books shows:")
    for symbol, row in sorted(found.items()):
        say(f"  {symbol} short {-row.net}")
    if not found:
        say("  no MIS short of our underlying; one read is no proof")
    unknown = sorted(set(wanted) - set(found))
    if unknown:
        raise ConfigError(f"--symbol {unknown[0]}: is no MIS short of this account; see the list")
    if found and not wanted:
        say("nothing was done: name each one to be bought back with --symbol")
    return tuple(Symbol(symbol) for symbol in wanted)


def take_over(folder: Path, reached: Reached, books: Books, symbols: tuple[Symbol, ...]) -> None:
    """Journal these shorts, with the stops that rest for them, as legs of our own.

    The lock is held. A damaged journal is kept aside. What else the account holds is somebody
    else's from then on.
    """
    settings, at = reached.settings, clock.now()
    positions = tuple(row for row in books.positions if row.symbol in symbols)
    named = Books(
        asked_at=books.asked_at,
        got_at=books.got_at,
        mode=books.mode,
        orders=books.orders,
        trades=books.trades,
        positions=positions,
    )

    def claim(boot_after: int) -> OrderJournal:
        return OrderJournal(folder / JOURNAL, os.getpid(), at, boot_after=boot_after)

    opened = open_orders(folder, reached.day, claim)
    with opened.journal as journal:
        terms = Terms(
            underlying=settings.universe.underlying,
            prefix=f"{reached.day}-{journal.boot_seq}",
            stop=settings.strategy.params.stop,
        )
        found = orphans(named, Ledger(), lambda _: None, terms, is_blind=True).events
        recovered = Recovered(at=at, orders=0, shorts=len(positions))
        journal.append((*opened.waiting, *found, recovered))
    if opened.fallback is not None:
        opened.fallback.empty()
        opened.fallback.close()


def _is_ours(symbol: Symbol, underlying: str) -> bool:
    try:
        return parse(symbol).name == underlying
    except BadSymbol:
        return False
