"""`run.py flatten`: leave every short and prove the book flat, whether the agent lives or not."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from cli import asleep, strangers
from cli.closer import ESCALATED, NOT_PROVED, Closer
from cli.dropbox import KILL, drop, kill_text
from cli.following import Course, Following
from cli.holder import end
from cli.levers import Refused, market_now
from cli.reach import Where, reach
from cli.session import Session, is_held, locked
from config import log as logs
from config.settings import load
from domain.errors import ConfigError, JournalDamaged
from domain.ledger import Ledger
from domain.levers import Lever
from domain.orders import Purpose
from domain.proof import manual_list
from domain.reasons import remedy
from domain.session import trading_day
from domain.switch import kill_level
from domain.units import Day, Symbol
from journal.orders import NAME as JOURNAL
from journal.orders import verify
from sandbox.params import SandboxParams

log = logging.getLogger(__name__)

PROVED, STUCK = 0, 4
DAY_DONE, BAD_CONFIG = 10, 78
MOST_STARTS = 4
"""How often an order path that gave up is started anew: recovery is its way out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says."""

    where: Where
    symbols: tuple[str, ...] = ()
    force: bool = False
    dry_run: bool = False
    color: bool | None = None


def run(options: Options, out: TextIO) -> int:
    """Flatten and return 0 if that is proved, 3 if not, 4 if a running agent stands still.

    An agent that sleeps is left alone; 0 if nothing is open by the journal.

    Without a journal of the day, or with a damaged one, only the symbols that are named are left.
    Raises Refused under HALT, ConfigError, JournalError, or Locked if an agent was started
    meanwhile.
    """
    folder = options.where.folder

    def say(line: str) -> None:
        print(line, file=out, flush=True)

    if (sleeper := asleep.sleeper(folder)) is not None:
        return asleep.tell(folder, sleeper, say)
    known = _now(folder, say) if (folder / JOURNAL).exists() else Ledger()
    if "HALT" in known.latches:
        raise Refused(f"HALT is up, so nothing is sent. {remedy('HALT')}")
    if options.dry_run:
        for line in _plan(folder, known):
            say(line)
        return PROVED
    try:
        return _flatten(options, say)
    except KeyboardInterrupt:
        return _unproved(folder, _now(folder), "interrupted", say)


def _flatten(options: Options, say: Callable[[str], None]) -> int:
    folder = options.where.folder
    while is_held(folder):
        takeover_s = _takeover_s(options.where.config)
        following = Following(folder, say)
        course = following.run(takeover_s)
        if course is Course.PROVED:
            return _proved(folder, say)
        if course is Course.STUCK and (sleeper := asleep.sleeper(folder)) is not None:
            following.withdraw()  # it fell asleep between our look and the file
            return asleep.tell(folder, sleeper, say)
        if course is Course.STUCK and not options.force:
            text = f"the agent journaled nothing for {takeover_s} s; with --force it is ended"
            _unproved(folder, following.ledger, text, say)
            return STUCK
        if course is Course.STUCK:
            say(f"ended the agent with pid {end(folder)}, which journaled nothing")
    return _close(options, say)


def _close(options: Options, say: Callable[[str], None]) -> int:
    """Do it in this process, as the one agent of the folder."""
    folder = options.where.folder
    reached = reach(options.where)
    plan = reached.plan()
    ledger = _known(folder, reached.day)
    is_unknown = not ledger.orders and not ledger.has_recovered
    books = strangers.read(reached) if is_unknown else None
    symbols: tuple[Symbol, ...] = ()
    if books is not None:
        found = strangers.shorts(books, reached.settings.universe.underlying)
        symbols = strangers.chosen(found, options.symbols, say)
        if not symbols:
            return NOT_PROVED
    with locked(folder):
        secrets, shown = reached.settings.secrets(), reached.settings.log.on_screen
        logs.setup(logs.Redactor(*secrets), shown, color=options.color)
        if books is not None:
            strangers.take_over(folder, reached, books, symbols)
        session = Session(settings=reached.settings, folder=folder)
        ended = Closer(session, plan, reached).run()
        for _ in range(MOST_STARTS - 1):
            if ended.code == ESCALATED:
                log.error("%s; starting anew", ended.reason)
                ended = Closer(session, plan, reached).run()
    if ended.code == BAD_CONFIG:
        raise ConfigError(ended.reason)
    if ended.code == DAY_DONE:
        return _proved(folder, say)
    return _unproved(folder, _now(folder), ended.reason, say)


def _takeover_s(config: Path | None) -> int:
    """Return the setting; a running agent is asked by file, so no key is needed."""
    rooms = {"sandbox": SandboxParams()}
    return load("sandbox", file=config, rooms=rooms).flatten.takeover_s


def _known(folder: Path, day: Day, say: Callable[[str], None] = lambda _: None) -> Ledger:
    """Return what the journal of the day says: nothing if there is none, or it is damaged.

    Raises JournalError if somebody else holds it, or the disk does not give it.
    """
    try:
        return Ledger().fold(verify(folder / JOURNAL, day))
    except JournalDamaged as error:
        say(f"{folder / JOURNAL} is damaged and counts for nothing: {error.__cause__}")
        return Ledger()


def _now(folder: Path, say: Callable[[str], None] = lambda _: None) -> Ledger:
    """Return what the journal of the day says, by what the agent last said of the time."""
    return _known(folder, trading_day(market_now(folder)), say)


def _proved(folder: Path, say: Callable[[str], None]) -> int:
    """Say so, and let no file KILL end the next day at its start.

    The latch is in the journal of this day; a file that only freezes is a human's to remove.
    """
    say("the book is proved flat")
    text, path = kill_text(folder), folder / KILL
    if text is not None and kill_level(text) is Lever.FLATTEN:
        drop(path)
        if kill_text(folder) is not None:
            say(f"{path} cannot be removed: it ends the next day at its start (rm {path})")
            return PROVED
        say(f"{path} is taken away: the latch FLATTEN is in the journal of this day")
    elif text is not None:
        say(f"{path} stays: no agent there enters anything, tomorrow neither (rm {path})")
    return PROVED


def _unproved(folder: Path, ledger: Ledger, why: str, say: Callable[[str], None]) -> int:
    """Say what a human has to close or cancel at the broker, as far as the journal knows."""
    say(f"not proved flat: {why}")
    for line in manual_list(ledger, lambda _: None):
        say(f"  {line}")
    if kill_text(folder) is not None:
        say(f"  {folder / KILL} stays: whatever agent is started there flattens")
    say("look at the broker's positions and orders, and close by hand what is open")
    return NOT_PROVED


def _plan(folder: Path, ledger: Ledger) -> Iterator[str]:
    """Say what would be done; by the journal, nothing is read from the broker."""
    if is_held(folder):
        yield f"would write FLATTEN to {folder / KILL} and follow the agent that runs"
    else:
        yield "would take the lock and leave everything from this process; no agent runs"
    for order in ledger.live():
        if order.purpose is Purpose.ENTRY:
            yield f"would cancel the entry {order.ticket.symbol} orderid={order.orderid or 'none'}"
    for leg in ledger.open_legs():
        if leg.short > 0:
            orders = " ".join(order.orderid for order in ledger.exits(leg.leg)) or "none"
            yield f"would buy back {leg.symbol} units={leg.short}, in place of orders={orders}"
    if not ledger.orders and not ledger.has_recovered:
        yield "no journal of today: would list MIS shorts and buy back those named with --symbol"
    elif ledger.is_quiet:
        yield "the journal knows of nothing open: would only prove that"
