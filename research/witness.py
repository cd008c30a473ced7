"""Notes what the cast tells one another in a session, to be judged when it is over.

A `Witness` is a pump that listens: nothing it notes changes what is delivered.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from actors.judge import BLIND
from actors.pump import Pump
from domain import clock
from domain.market import Bar, Source
from domain.units import Micros, Symbol
from messages.control import Reconnect, SelectSource
from messages.market import BarClosed, BarsBackfilled, FeedLost
from messages.orders import FeedTrusted, FlattenAll, PlaceEntry
from research.stream import Pairs, VirtualStream
from research.world import World

Minute = tuple[Symbol, Micros]


class Entry(NamedTuple):
    """An entry the strategy asked for, and what it stood on."""

    at: Micros
    symbol: Symbol
    is_trusted: bool
    is_tainted: bool


@dataclass(slots=True)
class Notes:
    """What happened, in order. Instants are market time.

    `bars` are those the strategy holds; `withdrawn` are the minutes that were called clean once and
    are told otherwise now, with what was said first.
    """

    reconnects: list[Micros] = field(default_factory=list)
    selects: list[tuple[Micros, Source]] = field(default_factory=list)
    lost: list[Micros] = field(default_factory=list)
    trust: list[tuple[Micros, bool]] = field(default_factory=list)
    flattened: list[Micros] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    tainted: list[tuple[Micros, Symbol]] = field(default_factory=list)
    resubscribed: list[Micros] = field(default_factory=list)
    bars: dict[Minute, Bar] = field(default_factory=dict)
    withdrawn: dict[Minute, Bar] = field(default_factory=dict)

    @property
    def is_trusted(self) -> bool:
        """Whether prices are good enough to enter on, by the last word about it."""
        return bool(self.trust) and self.trust[-1][1]


class Witness(Pump):
    """A pump with an ear for feed, bars and entries. One thread."""

    def __init__(self) -> None:
        super().__init__()
        self.notes = Notes()
        self._ears: dict[tuple[type, str], Callable[[Any], None]] = {
            (Reconnect, "feed"): lambda said: self.notes.reconnects.append(said.at),
            (SelectSource, "feed"): lambda said: self.notes.selects.append((said.at, said.source)),
            (FeedLost, "watchdog"): lambda said: self.notes.lost.append(said.at),
            (FeedTrusted, "order"): lambda said: self.notes.trust.append((said.at, said.entries)),
            (FlattenAll, "order"): self._flatten,
            (PlaceEntry, "order"): self._entry,
            (BarClosed, "strategy"): lambda said: self._bars((said.bar,)),
            (BarsBackfilled, "strategy"): self._backfilled,
        }

    def tell(self, address: str, message: object) -> None:
        ear = self._ears.get((type(message), address))
        if ear is not None:
            ear(message)
        super().tell(address, message)

    def _flatten(self, said: FlattenAll) -> None:
        if said.reason == BLIND:
            self.notes.flattened.append(said.at)

    def _entry(self, said: PlaceEntry) -> None:
        symbol = said.ticket.symbol
        is_tainted = any(
            not bar.provenance.is_clean for (of, _), bar in self.notes.bars.items() if of == symbol
        )
        entry = Entry(said.at, symbol, self.notes.is_trusted, is_tainted)
        self.notes.entries.append(entry)

    def _backfilled(self, said: BarsBackfilled) -> None:
        """Take a series that replaces what was told from its first minute on."""
        notes = self.notes
        kept = {bar.minute for bar in said.bars}
        gone = [
            (symbol, minute)
            for symbol, minute in notes.bars
            if symbol == said.symbol and minute >= said.since and minute not in kept
        ]
        for key in gone:
            self._withdraw(key, notes.bars.pop(key))
        self._bars(said.bars)

    def _bars(self, bars: tuple[Bar, ...]) -> None:
        for bar in bars:
            key = (bar.symbol, bar.minute)
            before = self.notes.bars.get(key)
            if before is not None and _figures(before) != _figures(bar):
                self._withdraw(key, before)
            if not bar.provenance.is_clean:
                self.notes.tainted.append((clock.now(), bar.symbol))
            self.notes.bars[key] = bar

    def _withdraw(self, key: Minute, bar: Bar) -> None:
        if bar.provenance.is_clean:
            self.notes.withdrawn.setdefault(key, bar)


class WatchedWorld(World):
    """A world whose witness is told when a symbol is subscribed again by itself."""

    def stream(self, chunk: int, source: Source = Source.PRIMARY) -> VirtualStream:
        """Return one WebSocket source of the agent."""
        stream = super().stream(chunk, source)
        inner, pump = stream.resubscribe, self.pump
        assert isinstance(pump, Witness)

        def noted(symbols: Pairs) -> None:
            pump.notes.resubscribed.append(self.timeline.now())
            inner(symbols)

        stream.resubscribe = noted  # type: ignore[method-assign]  # an ear in front of it
        return stream


def _figures(bar: Bar) -> tuple[int, ...]:
    return (bar.open, bar.high, bar.low, bar.close, bar.volume)
