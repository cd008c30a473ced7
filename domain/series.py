"""One symbol's bars as a strategy may see them: clean, in order, each exactly once.

Bars arrive closed one by one and revised in stretches, by live ticks and by history. What is not
certain yet is held back; what was already seen and turned out different starts the story again.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from domain.market import Bar
from domain.units import Micros, Symbol


@dataclass(frozen=True, slots=True)
class Fed:
    """Bars to eat now, oldest first. `rebuilt`: forget what was eaten, these start at the open."""

    bars: tuple[Bar, ...] = ()
    rebuilt: bool = False


class Series:
    """Hold one symbol's day back until it is certain. Mutable, owned by StrategyActor."""

    def __init__(self, symbol: Symbol) -> None:
        self.symbol = symbol
        self.settled = Micros(0)
        self._bars: dict[Micros, Bar] = {}
        self._eaten: dict[Micros, Bar] = {}
        self._last = Micros(-1)

    @property
    def eaten(self) -> tuple[Bar, ...]:
        """The bars handed out so far, oldest first."""
        return tuple(self._eaten.values())

    def closed(self, bar: Bar, settled: Micros) -> Fed:
        """Take `BarClosed`; a clean bar that is known already, from history perhaps, stays."""
        known = self._bars.get(bar.minute)
        is_next = len(self._bars) == len(self._eaten) and bar.minute > self._last
        if known is None or not known.provenance.is_clean:
            self._bars[bar.minute] = bar
        if is_next and bar.minute < settled and bar.provenance.is_clean:
            # Nearly every bar: nothing is held back and nothing before it changed.
            return self._eat((bar,), settled)
        return self._feed(settled)

    def backfilled(self, since: Micros, bars: Iterable[Bar], settled: Micros) -> Fed:
        """Take `BarsBackfilled`. Certain minutes are replaced, absent ones were quiet.

        About minutes from `settled` on an answer only adds: a short one never wipes what we have.
        """
        known = {m: bar for m, bar in self._bars.items() if m < since or m >= settled}
        self._bars = known | {bar.minute: bar for bar in bars}
        return self._feed(settled)

    def _feed(self, settled: Micros) -> Fed:
        certain = [
            self._bars[minute]
            for minute in sorted(self._bars)
            if minute < settled and self._bars[minute].provenance.is_clean
        ]
        rebuilt = self._has_turned_out_different(certain, settled)
        if rebuilt:
            self._eaten = {}
            self._last = Micros(-1)
        return self._eat([bar for bar in certain if bar.minute > self._last], settled, rebuilt)

    def _eat(self, bars: Iterable[Bar], settled: Micros, rebuilt: bool = False) -> Fed:
        self.settled = settled
        fresh = tuple(bars)
        for bar in fresh:
            self._eaten[bar.minute] = bar
            self._last = bar.minute
        return Fed(fresh, rebuilt)

    def _has_turned_out_different(self, certain: Iterable[Bar], settled: Micros) -> bool:
        """Compare what was eaten with what is certain about the same minutes now."""
        eaten = [_facts(bar) for minute, bar in self._eaten.items() if minute < settled]
        return eaten != [_facts(bar) for bar in certain if bar.minute <= self._last]


def _facts(bar: Bar) -> tuple[int, ...]:
    """What a detector reads in a bar. The VWAP's two integers are made in one way only."""
    prices = (bar.open, bar.high, bar.low, bar.close, bar.volume)
    return (bar.minute, *prices, bar.vwap_num, bar.vwap_den)
