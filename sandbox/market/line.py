"""A line: everything one symbol does in a day, made minute by minute and only when asked.

A line depends on its own draws and on the spot alone, never on who looks or on our orders. So it
may be followed update by update (watched) or left alone and caught up later (a quote, a history
read, an order): the same updates come out either way, which a property test compares.
"""

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Sequence
from operator import attrgetter

from domain.units import MINUTE, SECOND, Micros, Paise, Symbol, Units, divide_half_up
from sandbox.kinds import BarLine, InstrumentLine, PriceOut
from sandbox.market import bends
from sandbox.market.bends import Bend, Bent

_AT = attrgetter("at")


class Line(ABC):
    """One symbol's day. Instants passed in never fall below a minute already made.

    `is_heard`: its updates are another server's, and cannot be bent.
    """

    is_heard = False

    def __init__(
        self,
        instrument: InstrumentLine,
        open_at: Micros,
        prev_close: Paise,
        first_oi: Units = Units(0),
    ) -> None:
        self.instrument = instrument
        self.symbol: Symbol = instrument.symbol
        self.open_at = open_at
        self.prev_close = prev_close
        self.minute = -1
        """Number of the newest minute made, counted from the open."""
        self.outs: Sequence[PriceOut] = ()
        """Its updates, in order of time."""
        self.before = PriceOut(
            open_at, self.symbol, instrument.exchange, prev_close, Micros(0), Units(0), Units(0),
            Paise(0), Paise(0), Paise(0), prev_close, first_oi, Paise(0), Paise(0), 0,
            instrument.lot, instrument.tick,
        )  # fmt: skip
        """The last update ahead of that minute; before the first of the day one without a trade."""
        self._bars: list[BarLine] = []
        self._window = 30 * SECOND
        self._forgotten = 30
        self._printed: dict[int, tuple[int, int]] = {}
        self._bents: list[Bent] = []
        self._made: Sequence[PriceOut] = ()
        self._unbent = self.before

    def bend(self, name: str, since: Micros, bend: Bend) -> None:
        """Show later updates otherwise from here on."""
        if not self._bents:
            self._made, self._unbent = self.outs, self.before
        self._bents.append(Bent(name, bend, since))
        self._show()

    def straighten(self, name: str, until: Micros) -> None:
        """Show later updates as the market makes them again."""
        for bent in self._bents:
            if bent.name == name:
                bent.until = min(bent.until, until)
        self._show()

    def keep(self, window_s: int, quiet_s: int) -> None:
        """Set how price references are kept: mean of `window_s`, theoretical after `quiet_s`."""
        self._window = window_s * SECOND
        self._forgotten = quiet_s // window_s

    @abstractmethod
    def make(self, minute: int, last: PriceOut) -> list[PriceOut]:
        """Return the updates of a minute; `last` is the update ahead of it."""

    def theory(self, at: Micros) -> Paise:
        """Return what the contract is worth without any trade: the last price, but for a model."""
        return self.at(at).ltp

    def reach(self, minute: int) -> Sequence[PriceOut]:
        """Make every minute up to `minute` and return the updates of that one."""
        while self.minute < minute:
            self._close()
            self.minute += 1
            if self._bents:
                self._made = self.make(self.minute, self._unbent)
                self._show()
            else:
                self.outs = self.make(self.minute, self.before)
        return self.outs

    def at(self, at: Micros) -> PriceOut:
        """Return the newest update at or before an instant."""
        self.reach((at - self.open_at) // MINUTE)
        place = bisect_right(self.outs, at, key=_AT)
        return self.outs[place - 1] if place else self.before

    def bars(self, at: Micros) -> tuple[BarLine, ...]:
        """Return the minutes up to an instant, the forming one included."""
        self.reach((at - self.open_at) // MINUTE)
        forming = self._bar(self.outs[: bisect_right(self.outs, at, key=_AT)])
        return (*self._bars, forming) if forming else tuple(self._bars)

    def reference(self, at: Micros) -> Paise:
        """Return the mean print price of the last whole window, on the grid of windows.

        Unchanged without prints; theoretical at the open and after a long silence
        (`market-rules.md` 4, LPP reference). Rounded half up.
        """
        self.reach((at - self.open_at) // MINUTE)
        now = (at - self.open_at) // self._window
        forming = _prints(self.outs, self.open_at, self._window)
        for cell in range(now - 1, now - 1 - self._forgotten, -1):
            total, count = forming.get(cell) or self._printed.get(cell) or (0, 0)
            if count:
                return Paise(divide_half_up(total, count))
        return self.theory(at)

    def _close(self) -> None:
        bar = self._bar(self.outs)
        if bar:
            self._bars.append(bar)
        self._printed |= _prints(self.outs, self.open_at, self._window)
        if self.outs:
            self.before = self.outs[-1]
        if self._made:
            self._unbent = self._made[-1]

    def _show(self) -> None:
        self.outs = bends.shown(self._made, self.before, self._bents)

    def _bar(self, outs: Sequence[PriceOut]) -> BarLine | None:
        prints = [out.ltp for out in outs if out.ltt == out.at]
        if not prints:
            return None
        return BarLine(
            minute=Micros(self.open_at + self.minute * MINUTE),
            open=prints[0],
            high=max(prints),
            low=min(prints),
            close=prints[-1],
            volume=Units(outs[-1].volume - self.before.volume),
            oi=outs[-1].oi,
        )


def _prints(outs: Sequence[PriceOut], since: Micros, window: int) -> dict[int, tuple[int, int]]:
    """Return the sum and number of print prices by window."""
    found: dict[int, tuple[int, int]] = {}
    for out in outs:
        if out.ltt == out.at:
            cell = (out.at - since) // window
            total, count = found.get(cell, (0, 0))
            found[cell] = (total + out.ltp, count + 1)
    return found


def day_so_far(last: PriceOut, price: Paise) -> tuple[Paise, Paise, Paise]:
    """Return open, high and low of the day ahead of a print; the first makes all three."""
    return (last.open, last.high, last.low) if last.open else (price, price, price)
