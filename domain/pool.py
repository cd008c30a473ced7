"""The candidates of the day: armed, pinned by a live order, spent for ever, and who comes next.

A break is a price strictly below the swing. It ends an armed candidate; a pinned one is filling at
that moment, so its order decides. A spent swing never comes back: only a low whose extreme is later
than the minute of the break makes a new candidate (`strategy.md` section 5).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from domain.market import minute_of
from domain.session import show
from domain.strategy import Note
from domain.swings import SwingEvent
from domain.units import Micros, Paise, Symbol, rupees

EntryId = tuple[Symbol, Micros]
"""What an entry order and its candidate have in common: the symbol and the swing's minute."""


class Standing(StrEnum):
    """Whether a candidate may be ordered, is ordered, or is over."""

    ARMED = "armed"
    PINNED = "pinned"
    SPENT = "spent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A swing low that passed stage 1; (symbol, minute, swing) is its identity.

    `hh` is the highest high since the swing bar, `own` the swing bar's own high while no bar has
    closed after it, else 0. `broke_at` is the minute in which a price below the swing was seen.
    """

    symbol: Symbol
    minute: Micros
    swing: Paise
    hh: Paise
    own: Paise
    standing: Standing = Standing.ARMED
    broke_at: Micros | None = None

    @property
    def highest(self) -> Paise:
        """What the stop is measured from."""
        return max(self.hh, self.own)

    @property
    def entry(self) -> EntryId:
        """What an order made for this candidate carries."""
        return self.symbol, self.minute


@dataclass(slots=True)
class _Row:
    """One symbol: its candidate, who waits behind it, and the latest minute of a break."""

    current: Candidate | None = None
    successor: Candidate | None = None
    broke_at: Micros | None = None

    def is_older(self, minute: Micros) -> bool:
        """Whether an extreme of this minute comes too early to be traded after the break."""
        return self.broke_at is not None and minute <= self.broke_at

    def broke(self, minute: Micros) -> None:
        self.broke_at = minute if self.broke_at is None else max(self.broke_at, minute)


class Pool:
    """Holds the candidates of all symbols. `changed` collects symbols whose candidate moved."""

    def __init__(self, symbols: Iterable[Symbol]) -> None:
        self._rows = {symbol: _Row() for symbol in symbols}
        self._live: frozenset[EntryId] = frozenset()
        self._touched: dict[EntryId, Micros] = {}
        self.changed: set[Symbol] = set()

    def candidate(self, symbol: Symbol) -> Candidate | None:
        """Return the candidate of a symbol, a spent one included."""
        return self._rows[symbol].current

    def successor(self, symbol: Symbol) -> Candidate | None:
        """Return the newer swing that waits for the end of the pinned one's order."""
        return self._rows[symbol].successor

    def offer(self, symbol: Symbol, low: SwingEvent, confirmed: Micros) -> list[Note]:
        """Take a low that passed stage 1, confirmed by the bar of minute `confirmed`."""
        row = self._rows[symbol]
        if row.is_older(low.minute):
            detail = f"rule=rearm swing={rupees(low.price)} extreme={show(low.minute)}"
            return [Note(symbol, "rejected", f"{detail} broke={show(row.broke_at or low.minute)}")]
        is_own = low.minute == confirmed
        new = Candidate(
            symbol=symbol,
            minute=low.minute,
            swing=low.price,
            hh=Paise(0) if is_own else low.hh,
            own=low.hh if is_own else Paise(0),
        )
        self.changed.add(symbol)
        if row.current is not None and row.current.standing is Standing.PINNED:
            row.successor = new
            return [Note(symbol, "successor", _about(new))]
        row.current = self._pinned(new)
        return [Note(symbol, "armed", _about(new))]

    def drop(self, symbol: Symbol) -> list[Note]:
        """Forget what a swing outside the price range ended; a live order keeps its candidate."""
        row = self._rows[symbol]
        gone, row.successor = row.successor, None
        if row.current is not None and row.current.standing is not Standing.PINNED:
            gone, row.current = row.current, None
        if gone is None or gone.standing is Standing.SPENT:
            return []
        self.changed.add(symbol)
        return [Note(symbol, "dropped", _about(gone))]

    def see(
        self, symbol: Symbol, minute: Micros, low: Paise, high: Paise, *, closed: bool = False
    ) -> list[Note]:
        """Take the extremes of a minute after the swing's confirmation, closed or in progress."""
        row = self._rows[symbol]
        notes: list[Note] = []
        if row.current is not None:
            after = _after(row.current, minute, low, high, closed=closed)
            notes += self._moved(row, row.current, after)
            row.current = after
        if row.successor is not None:
            after = _after(row.successor, minute, low, high, closed=closed)
            notes += self._moved(row, row.successor, after)
            row.successor = None if after.standing is Standing.SPENT else after
        return notes

    def orders(self, live: frozenset[EntryId], touched: Mapping[EntryId, Micros]) -> list[Note]:
        """Take which entries live, and which ended after their trigger was met, and when."""
        self._live = live
        self._touched = dict(touched)
        notes: list[Note] = []
        for row in self._rows.values():
            if row.current is None:
                continue
            if row.current.standing is Standing.ARMED:
                row.current = self._pinned(row.current)
            elif row.current.standing is Standing.PINNED and row.current.entry not in live:
                notes += self._release(row, row.current)
        return notes

    def sync(self, at: Micros, symbol: Symbol | None = None) -> list[Note]:
        """Spend what an order ended until `at` and no price here told of; one symbol, or all."""
        due = [
            entry
            for entry, ended in self._touched.items()
            if ended <= at and symbol in {None, entry[0]}
        ]
        notes: list[Note] = []
        for entry in due:
            ended_at = self._touched.pop(entry)
            row = self._rows.get(entry[0])
            if row is None or row.current is None or row.current.entry != entry:
                continue
            if row.current.standing is Standing.ARMED:
                notes.append(self._spend(row, row.current, minute_of(ended_at)))
        return notes

    def _pinned(self, it: Candidate) -> Candidate:
        if it.entry not in self._live:
            return it
        self.changed.add(it.symbol)
        return replace(it, standing=Standing.PINNED)

    def _moved(self, row: _Row, before: Candidate, after: Candidate) -> list[Note]:
        if after is before:
            return []
        self.changed.add(after.symbol)
        if after.broke_at is None:
            return []
        row.broke(after.broke_at)
        kind = "spent" if after.standing is Standing.SPENT else "broke"
        return [Note(after.symbol, kind, _about(after))]

    def _release(self, row: _Row, it: Candidate) -> list[Note]:
        """The order of a pinned candidate ended: spend it or arm it, then the successor's turn."""
        self.changed.add(it.symbol)
        ended_at = self._touched.get(it.entry)
        if it.broke_at is not None:
            notes = [self._spend(row, it, it.broke_at)]
        elif ended_at is not None:
            notes = [self._spend(row, it, minute_of(ended_at))]
        else:
            row.current = replace(it, standing=Standing.ARMED)
            notes = [Note(it.symbol, "armed", _about(it))]
        following, row.successor = row.successor, None
        if following is not None and not row.is_older(following.minute):
            row.current = self._pinned(following)
            notes.append(Note(it.symbol, "armed", _about(following)))
        return notes

    def _spend(self, row: _Row, it: Candidate, minute: Micros) -> Note:
        row.broke(minute)
        row.current = replace(it, standing=Standing.SPENT, broke_at=minute)
        self.changed.add(it.symbol)
        return Note(it.symbol, "spent", _about(it))


def _after(it: Candidate, minute: Micros, low: Paise, high: Paise, *, closed: bool) -> Candidate:
    """What a candidate is once these prices were seen; itself if they say nothing new."""
    if it.broke_at is not None:
        return it
    if low < it.swing:
        is_pinned = it.standing is Standing.PINNED
        standing = Standing.PINNED if is_pinned else Standing.SPENT
        return replace(it, standing=standing, broke_at=minute)
    own = Paise(0) if closed else it.own
    if high <= it.hh and own == it.own:
        return it
    return replace(it, hh=max(it.hh, high), own=own)


def _about(it: Candidate) -> str:
    return f"swing={rupees(it.swing)} extreme={show(it.minute)} hh={rupees(it.highest)}"
