"""How our shorts are covered, by the journal on disk and the broker's books: a second opinion.

OrderActor goes by its own memory. Whoever judges it goes by what it committed and by what the
broker shows, so that a short it forgot is not forgotten (`execution.md` 9.3, last row).
"""

from collections import defaultdict
from dataclasses import dataclass

from domain.books import Action, Books, Status
from domain.ledger import Ledger
from domain.standing import HALT
from domain.supervision import ESCALATED
from domain.units import Micros, Symbol, Units, seconds

WORKING = frozenset({Status.OPEN, Status.TRIGGER_PENDING})

FRESH = seconds(5)
"""A valid read no older than this shows that the broker can be reached."""

SILENCE = seconds(15)
"""How long nobody may measure while a short is open."""

BOOTS = 4
"""The process ends itself three times an hour at most: it was begun once more than that."""

HOUR = seconds(3600)
MINUTE = seconds(60)

Bare = tuple[tuple[Symbol, Units, Micros], ...]
"""Symbol, uncovered units, and since when in machine time."""


def uncovered(ledger: Ledger, books: Books) -> dict[Symbol, Units]:
    """Return the units of our shorts that no working BUY of ours in the book would buy back.

    Never more than the broker is short: what a human bought back needs no cover.
    """
    traded: dict[str, int] = defaultdict(int)
    for trade in books.trades:
        traded[trade.orderid] += trade.quantity
    net = ledger.own_net()
    own = {order.orderid: order for order in ledger.orders.values() if order.orderid}
    for orderid, order in own.items():
        unseen = max(0, traded[orderid] - order.filled)
        symbol = order.ticket.symbol
        net[symbol] = net.get(symbol, 0) + order.ticket.action.sign * unseen
    for row in books.orders:
        is_cover = row.orderid in own and row.action is Action.BUY and row.status in WORKING
        if is_cover and net.get(row.symbol, 0) < 0:
            net[row.symbol] += row.quantity - traded[row.orderid]
    held: dict[Symbol, int] = defaultdict(int)
    for trade in books.trades:
        if trade.product == "MIS":
            held[trade.symbol] -= trade.action.sign * trade.quantity
    short = {symbol: min(-units, held[symbol]) for symbol, units in net.items()}
    return {symbol: Units(units) for symbol, units in short.items() if units > 0}


class Coverage:
    """Measures after each valid read, and remembers since when. Owned by ReconcileActor."""

    def __init__(self) -> None:
        self.read_at: Micros | None = None
        self._units: dict[Symbol, Units] = {}
        self._since: dict[Symbol, Micros] = {}

    def measure(self, ledger: Ledger, books: Books, machine: Micros) -> None:
        """Take a valid snapshot in, at this machine time."""
        self.read_at = machine
        self._units = uncovered(ledger, books)
        self._since = {symbol: self._since.get(symbol, machine) for symbol in self._units}

    def figure(self, ledger: Ledger, at: Micros) -> Bare:
        """Return what is uncovered; nothing while nothing may be sent to cover it."""
        quiet = ledger.plan.quiet if ledger.plan else None
        if HALT in ledger.latches or (quiet is not None and at >= quiet):
            return ()
        return tuple((s, units, self._since[s]) for s, units in sorted(self._units.items()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """What to say of shorts without cover; `code` is the exit code, 0 to go on."""

    text: str
    code: int = 0


class Deadline:
    """Ends the process when a short stays uncovered although the broker can be reached.

    Then the fault is ours, and recovery is the way out of it. With the broker out of reach, or
    after three such ends within an hour, a new process could do no better: this one stays and a
    human is told each minute. Mutable, owned by WatchdogActor; instants are machine time.
    """

    def __init__(self, deadline_s: float) -> None:
        self._deadline = seconds(deadline_s)
        self._bare: Bare = ()
        self._read_at: Micros | None = None
        self._heard_at: Micros | None = None
        self._boots = 0
        self._told_at: Micros | None = None

    def hear(self, bare: Bare, read_at: Micros | None, boots: int, machine: Micros) -> None:
        """Take a figure in; `boots` is how many processes began within the last hour."""
        self._bare, self._read_at, self._boots, self._heard_at = bare, read_at, boots, machine

    def slept(self, machine: Micros) -> None:
        """Take that the process was stopped for a while: nobody was silent meanwhile."""
        self._heard_at = machine
        self._bare = tuple((symbol, units, machine) for symbol, units, _ in self._bare)

    def look(self, machine: Micros, *, has_shorts: bool) -> Alarm | None:
        """Return what is to be said or done now; None: nothing."""
        if not has_shorts or self._heard_at is None:
            self._heard_at = machine
        if machine - self._heard_at >= SILENCE:
            return Alarm(text="nobody measures how our shorts are covered", code=ESCALATED)
        late = [(s, units) for s, units, since in self._bare if machine - since >= self._deadline]
        if not late:
            self._told_at = None
            return None
        text = " ".join(f"{symbol} short {units} uncovered;" for symbol, units in late)
        can_reach = self._read_at is not None and machine - self._read_at <= FRESH
        if can_reach and self._boots < BOOTS:
            return Alarm(text=text, code=ESCALATED)
        if self._told_at is not None and machine < self._told_at + MINUTE:
            return None
        self._told_at = machine
        return Alarm(text=text)
