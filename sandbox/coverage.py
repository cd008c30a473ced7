"""How long own shorts stood uncovered, and how long surplus BUY orders were working.

Rules I2, I3 and I4 of `execution.md` 13, measured on true trades and true orders, for each symbol
and product by itself: a MIS short and an NRML long of one symbol are two positions. Uncovered units
of one = short - what its working BUY orders would still buy. An order in `trigger pending` covers
for as long as it rests. One in `open` covers for `UNFILLED` after it got there, was modified or
traded: a triggered stop that nobody fills covers nothing (`execution.md` 9.3).

Time in which nobody could know (`Bounds.unseen`) counts against no bound, nor does time in which a
request did not get through (`Bounds.unheard`) count against that of surplus orders; uncovered time
in an outage is told apart. I3 asks for a cover that was sent in time, not for one that filled. A
BUY that went beside another one in doubt may buy twice: counted, and no break of I2.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from domain.books import Action
from domain.units import SECOND, Micros, Symbol, seconds
from sandbox.book import Book
from sandbox.kinds import OrderLine, Origin, Status
from sandbox.spans import Spans
from sandbox.truth import Accepted, Row, State, Traded

UNFILLED = seconds(1)
INTRADAY = "MIS"
Key = tuple[Symbol, str]
"""Symbol and product: what the broker nets."""


@dataclass(frozen=True, slots=True)
class Beside:
    """A BUY that was sent while another one of its leg was in flight."""

    at: Micros
    units: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long is too long, in market time: uncovered, and surplus.

    `covers` are the instants at which a cover was sent, `beside` the purchases that may double,
    each by symbol and in order of time. `known_since` is when the agent learned of an order's id.
    """

    naked: Micros
    surplus: Micros
    outage: Spans = field(default_factory=Spans)
    unseen: Spans = field(default_factory=Spans)
    unheard: Spans = field(default_factory=Spans)
    covers: Mapping[str, Sequence[Micros]] = field(default_factory=dict)
    beside: Mapping[str, Sequence[Beside]] = field(default_factory=dict)
    known_since: Mapping[str, Micros] = field(default_factory=dict)

    def was_known(self, orderid: str, at: Micros) -> bool:
        """Whether the agent knew of an order some time before an instant."""
        since = self.known_since.get(orderid)
        return since is not None and since <= at - UNFILLED

    def has_cover(self, symbol: str, since: Micros, until: Micros) -> bool:
        """Whether a cover was sent within a stretch."""
        sent = self.covers.get(symbol, ())
        place = bisect_left(sent, since)
        return place < len(sent) and sent[place] <= until

    def doubled(self, symbol: str, at: Micros) -> int:
        """Return how many units may have been bought twice by then."""
        return max((b.units for b in self.beside.get(symbol, ()) if b.at <= at), default=0)


@dataclass(frozen=True, slots=True)
class Naked:
    """One stretch in which own shorts of a symbol stood uncovered, and what of it was an outage."""

    span: Micros
    outage: Micros


@dataclass(slots=True)
class _Spell:
    """One stretch of time in which something was wrong with a symbol."""

    since: Micros | None = None
    told: bool = False

    def goes_on(self, at: Micros) -> None:
        """Begin at `at` unless it is under way."""
        if self.since is None:
            self.since = at

    def ends(self) -> None:
        """End."""
        self.since, self.told = None, False

    def exceeds(self, bound: Micros, at: Micros, excused: Spans) -> Micros | None:
        """Return, once per stretch, when it had lasted for `bound`, if that is over by `at`."""
        if self.since is None or self.told or at - self.since <= bound:
            return None
        due = excused.due(self.since, bound)
        if at <= due:
            return None
        self.told = True
        return due


@dataclass(slots=True)
class _Held:
    """What is ours, and by how much the account's owner, or his trades, made up for it."""

    net: int = 0
    others: int = 0
    naked: _Spell = field(default_factory=_Spell)
    surplus: _Spell = field(default_factory=_Spell)

    @property
    def owed(self) -> int:
        """Our net units; a short that others bought back is none (`execution.md` 7.4)."""
        return self.net if self.net >= 0 else min(0, self.net + max(0, self.others))


class Coverage:
    """Follows truth, row by row. Units of the account's owner are not ours; his purchases count."""

    def __init__(self, bounds: Bounds) -> None:
        self.naked_max = Micros(0)
        """The longest stretch any symbol was uncovered."""
        self.unit_micros = 0
        """Uncovered units integrated over time."""
        self.naked: list[Naked] = []
        """The stretches that are over."""
        self.long_unit_micros = 0
        """Units held long that nothing excuses, integrated over time."""
        self.doubled = 0
        """How often a BUY beside another one in flight bought more than was short."""
        self._bounds = bounds
        self._book = Book(0)
        self._held: dict[Key, _Held] = {}
        self._fresh_until: dict[str, Micros] = {}
        self._now: Micros | None = None
        self._seq = 0

    @property
    def is_flat(self) -> bool:
        """Whether nothing of ours is held and no order of ours works."""
        return not self.held and not self.working

    @property
    def held(self) -> dict[str, int]:
        """Own units owed by symbol, with the product where it is not the intraday one."""
        return {_name(key): held.owed for key, held in self._held.items() if held.owed}

    @property
    def working(self) -> list[str]:
        """The ids of own orders that may still trade, oldest first."""
        live = self._book.all_live()
        return [order.orderid for order in live if order.origin is not Origin.HUMAN]

    def check(self, row: Row) -> Iterator[str]:
        """Let time pass up to a row and take it in; yield what breaks."""
        yield from self.until(row.at)
        self._seq = row.seq
        if isinstance(row.payload, Accepted):
            yield from self._beside(row, row.payload.order)
        self._book.apply(row.at, row.payload)
        match row.payload:
            case Accepted(order=order):
                self._fresh_until[order.orderid] = Micros(row.at + UNFILLED)
            case State(orderid=orderid):
                self._fresh_until[orderid] = Micros(row.at + UNFILLED)
            case Traded() as trade if trade.origin is not Origin.HUMAN:
                self._fresh_until[trade.orderid] = Micros(row.at + UNFILLED)
                yield from self._traded(row, trade)
            case Traded() as trade:
                held = self._held.setdefault((trade.symbol, trade.product), _Held())
                held.others += trade.action.sign * trade.quantity
            case _:
                pass

    def until(self, at: Micros) -> Iterator[str]:
        """Let time pass without anything happening; yield what breaks meanwhile."""
        start = at if self._now is None else self._now
        ends = {t for t in self._fresh_until.values() if start < t < at}
        for end in [*sorted(ends), at]:
            yield from self._pass(start, end)
            start = end
        self._now = at

    def _beside(self, row: Row, order: OrderLine) -> Iterator[str]:
        """A cover never goes beside an order that is known to live; only a second stop may."""
        if order.origin is not Origin.AGENT or not _covers(order) or order.trigger:
            return
        key = order.symbol, order.product
        known = [
            other.pending
            for other in self._book.live(order.symbol)
            if _covers(other) and self._bounds.was_known(other.orderid, order.placed_at)
        ]
        short = max(0, -self._held.setdefault(key, _Held()).net)
        if known and sum(known) + order.pending > short and not self._bounds.unseen.holds(row.at):
            yield (
                f"I4 {_name(key)}: truth {row.seq}: a cover for {order.pending} units beside BUY "
                f"orders for {sum(known)} that are known to live, {short} are short"
            )

    def stretches(self, at: Micros) -> tuple[Naked, ...]:
        """Return every uncovered stretch, those still under way by `at` included."""
        open_since = [held.naked.since for held in self._held.values()]
        under_way = [self._stretch(since, at) for since in open_since if since is not None]
        return (*self.naked, *under_way)

    def _traded(self, row: Row, trade: Traded) -> Iterator[str]:
        key = trade.symbol, trade.product
        held = self._held.setdefault(key, _Held())
        held.net += trade.action.sign * trade.quantity
        if held.net <= 0 or trade.action is not Action.BUY:
            return
        if held.net <= self._bounds.doubled(trade.symbol, row.at):
            self.doubled += 1
        else:
            yield f"I2 {_name(key)}: truth {row.seq}: {held.net} units long after a BUY"

    def _pass(self, start: Micros, end: Micros) -> Iterator[str]:
        if end <= start:
            return
        live = [order for order in self._book.all_live() if _covers(order)]
        for key in sorted(self._held.keys() | {(o.symbol, o.product) for o in live}):
            held = self._held.setdefault(key, _Held())
            short = max(0, -held.owed)
            buys = [order for order in live if (order.symbol, order.product) == key]
            resting = sum(order.pending for order in buys if self._counts(order, start))
            bare = max(0, short - resting)
            surplus = sum(order.pending for order in buys) - max(0, -held.net)
            self.unit_micros += bare * (end - start)
            if held.net > self._bounds.doubled(key[0], start):
                self.long_unit_micros += held.net * (end - start)
            yield from self._naked(key, held.naked, bare, (start, end))
            yield from self._surplus(key, held.surplus, surplus, (start, end))

    def _counts(self, order: OrderLine, at: Micros) -> bool:
        is_waiting = order.status is Status.TRIGGER_PENDING
        return is_waiting or at < self._fresh_until.get(order.orderid, at)

    def _naked(
        self, key: Key, spell: _Spell, bare: int, span: tuple[Micros, Micros]
    ) -> Iterator[str]:
        if not bare:
            self._covered(spell, span[0])
            return
        spell.goes_on(span[0])
        assert spell.since is not None
        self.naked_max = max(self.naked_max, Micros(span[1] - spell.since))
        due = spell.exceeds(self._bounds.naked, span[1], self._bounds.unseen)
        if due is not None and not self._bounds.has_cover(key[0], spell.since, due):
            yield (
                f"I3 {_name(key)}: after truth {self._seq}: {bare} units uncovered for more than "
                f"{self._bounds.naked / SECOND:g} s"
            )

    def _covered(self, spell: _Spell, at: Micros) -> None:
        """End a stretch, if one was under way."""
        if spell.since is not None:
            self.naked.append(self._stretch(spell.since, at))
        spell.ends()

    def _stretch(self, since: Micros, at: Micros) -> Naked:
        return Naked(span=Micros(at - since), outage=self._bounds.outage.overlap(since, at))

    def _surplus(
        self, key: Key, spell: _Spell, surplus: int, span: tuple[Micros, Micros]
    ) -> Iterator[str]:
        if surplus <= 0:
            spell.ends()
            return
        spell.goes_on(span[0])
        if spell.exceeds(self._bounds.surplus, span[1], self._bounds.unheard) is not None:
            yield (
                f"I4 {_name(key)}: after truth {self._seq}: BUY orders for {surplus} units more "
                f"than are short, for more than {self._bounds.surplus / SECOND:g} s"
            )


def _covers(order: OrderLine) -> bool:
    return order.action is Action.BUY and order.origin is not Origin.HUMAN


def _name(key: Key) -> str:
    symbol, product = key
    return str(symbol) if product == INTRADAY else f"{symbol} {product}"
