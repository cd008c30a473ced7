"""Which changes of a running minute are worth telling: extremes always, prices when watched."""

from domain.market import Forming
from domain.units import SECOND, Micros

APART = Micros(SECOND // 4)
"""A watched price that moves is told at most this often..."""

FRESH = SECOND
"""...and one that stands still, as proof that it is fresh, this often while ticks come."""


class Updates:
    """Remember what was told of one symbol. Mutable, owned by BarActor."""

    def __init__(self) -> None:
        self._is_watched = False
        self._told: Forming | None = None

    def watch(self, *, on: bool) -> None:
        """Tell every price of this symbol from now on, or extremes only again."""
        self._is_watched = on

    def news(self, now: Forming | None) -> Forming | None:
        """Return the minute in progress if it is to be told after a tick."""
        if now is None or not self._is_news(now):
            return None
        self._told = now
        return now

    def rest(self, now: Forming | None) -> Forming | None:
        """Return it if a watched price was held back and no tick followed."""
        told = self._told
        if now is None or told is None or not self._is_watched or now.last == told.last:
            return None
        self._told = now
        return now

    def _is_news(self, now: Forming) -> bool:
        told = self._told
        if told is None or now.minute != told.minute:
            return True
        if now.high > told.high or now.low < told.low:
            return True
        apart = APART if now.last != told.last else FRESH
        return self._is_watched and now.at - told.at >= apart
