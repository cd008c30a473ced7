"""The market of a day: every line, and the updates of some of them merged in order of time.

Two updates at one microsecond keep the order of the symbol master, whoever is watched.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from operator import attrgetter

from domain.units import MINUTE, Micros, Paise, Symbol
from sandbox.kinds import PriceOut
from sandbox.market.bends import Bend
from sandbox.market.line import Line

_AT = attrgetter("at")


class Market:
    """Lines by symbol, and a cursor up to which merged updates were taken."""

    def __init__(
        self,
        lines: Mapping[Symbol, Line],
        open_at: Micros,
        close_at: Micros,
        halt: tuple[Micros, Micros] | None = None,
    ) -> None:
        self.lines = lines
        self.open_at = open_at
        self.close_at = close_at
        self._halt = halt or (Micros(0), Micros(0))
        self.stopped: set[str] = set()
        """Who halts trading besides the day itself."""
        self.frozen_at: dict[str, Micros] = {}
        """Who keeps the price references of an instant, and which."""
        self._cursor = Micros(open_at - 1)
        self._followed: frozenset[Symbol] = frozenset()
        self._minute = -1
        self._merged: list[PriceOut] = []
        self._place = 0

    def is_halted(self, at: Micros) -> bool:
        """Whether nothing trades at this instant of the session."""
        begin, end = self._halt
        return begin <= at < end or bool(self.stopped)

    def reference(self, symbol: Symbol, at: Micros) -> Paise:
        """Return the price reference of a symbol."""
        return self.lines[symbol].reference(min((at, *self.frozen_at.values())))

    def bend(self, name: str, symbols: Iterable[Symbol], since: Micros, bend: Bend) -> None:
        """Show what these symbols do after `since`, which has been reached, otherwise."""
        for line in (self.lines[symbol] for symbol in symbols):
            if not line.is_heard:
                line.bend(name, since, bend)
        self._merge()

    def straighten(self, name: str, symbols: Iterable[Symbol], until: Micros) -> None:
        """Show what these symbols do after `until`, which has been reached, as it is."""
        for line in (self.lines[symbol] for symbol in symbols):
            if not line.is_heard:
                line.straighten(name, until)
        self._merge()

    def take(self, until: Micros, followed: frozenset[Symbol]) -> list[PriceOut]:
        """Return the updates of `followed` after the last instant taken, up to `until` included."""
        if followed != self._followed:
            self._followed = followed
            self._merge()
        taken: list[PriceOut] = []
        last = (min(until, self.close_at - 1) - self.open_at) // MINUTE
        while self._minute < last:
            taken += self._merged[self._place :]
            self._minute += 1
            self._cursor = max(self._cursor, Micros(self.open_at + self._minute * MINUTE - 1))
            self._merge()
        stop = bisect_right(self._merged, until, lo=self._place, key=_AT)
        taken += self._merged[self._place : stop]
        self._place = stop
        self._cursor = max(self._cursor, until)
        return taken

    def skip(self, until: Micros) -> None:
        """Let time pass up to `until` without following anything."""
        self.take(until, frozenset())

    def _merge(self) -> None:
        if self._minute < 0:
            return
        self._merged = self._sorted(s for s in self.lines if s in self._followed)
        self._place = bisect_right(self._merged, self._cursor, key=_AT)

    def _sorted(self, symbols: Iterable[Symbol]) -> list[PriceOut]:
        merged: list[PriceOut] = []
        for symbol in symbols:
            merged += self.lines[symbol].reach(self._minute)
        merged.sort(key=_AT)
        return merged
