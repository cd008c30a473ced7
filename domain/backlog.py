"""What a strategy was not shown yet, because it has to live through its day again first.

A bar that was eaten and turned out different makes the state wrong. To live through the day again
costs as much for one symbol as for all, and an outage changes most of them within seconds: what
comes meanwhile is kept here, and the day is lived again once for all of it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from domain.market import Bar, Forming
from domain.role import Stage
from domain.series import Series
from domain.strategy import Note, Strategy, View
from domain.units import Micros, Symbol


class Backlog:
    """Bars and prices that wait for the strategy. Mutable, owned by a Trader.

    `shown` is the minute in progress of each symbol as the strategy saw it last.
    """

    def __init__(self, shown: Mapping[Symbol, Forming]) -> None:
        self._shown = dict(shown)
        self._prices: list[Forming] = []
        self._late: set[Symbol] = set()
        self._audible: set[tuple[Symbol, Micros]] = set()

    def price(self, now: Forming) -> None:
        """Keep a price."""
        self._prices.append(now)

    def bars(self, symbol: Symbol, audible: Iterable[Bar]) -> None:
        """Keep in mind that bars of a symbol came, and of which of them is to be told."""
        self._late.add(symbol)
        self._audible |= {(symbol, bar.minute) for bar in audible}

    def live_again(
        self, strategy: Strategy[Any], stage: Stage, day: Iterable[Series], view: View
    ) -> tuple[Any, tuple[Note, ...]]:
        """Return the state after the whole day, and the notes of what was never shown before."""
        state = strategy.begin(stage.plan, stage.chain)
        notes: list[Note] = []
        for series in day:
            symbol = series.symbol
            for bar in series.eaten:
                state, wishes = strategy.on_bar(state, bar, view)
                notes += wishes.notes if (symbol, bar.minute) in self._audible else ()
            if symbol in self._shown:
                # Its low may break a swing that only a bar that came late has confirmed.
                state, wishes = strategy.on_price(state, self._shown[symbol], view)
                notes += wishes.notes if symbol in self._late else ()
        for now in self._prices:
            state, wishes = strategy.on_price(state, now, view)
            notes += wishes.notes
        return state, tuple(notes)
