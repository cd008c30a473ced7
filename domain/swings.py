"""Confirmed swing highs and lows of one symbol, read from its closed bars in order.

An extreme is confirmed by votes of later bars, never by looking ahead, so the same bars give the
same events live, in a batch and after a restart at any minute (`strategy.md` section 3, version 1).
"""

from dataclasses import dataclass, replace
from enum import StrEnum

import msgspec

from domain.market import Bar
from domain.session import trading_day
from domain.units import Day, Micros, Paise

VOTES = 2


class SwingKind(StrEnum):
    """What happened to a swing; the words are those of the swing log."""

    LOW = "Low"
    HIGH = "High"
    LOW_UPDATE = "Low Update"
    HIGH_UPDATE = "High Update"
    BROKEN = "Broken"


_UPDATE = {SwingKind.LOW: SwingKind.LOW_UPDATE, SwingKind.HIGH: SwingKind.HIGH_UPDATE}


class SwingEvent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A swing was made, moved or broken by the bar just eaten.

    `price`, `index` and `minute` are those of the extreme bar; `vwap_num / vwap_den` is the session
    VWAP frozen in when the swing was made, 0 / 0 if there was none. `hh` is the highest high of the
    bars after the extreme up to this one, or of the extreme bar itself while there is none.
    """

    kind: SwingKind
    price: Paise
    index: int
    minute: Micros
    vwap_num: int
    vwap_den: int
    hh: Paise


@dataclass(frozen=True, slots=True)
class Swing:
    """The last swing: `kind` is LOW or HIGH. An update keeps its VWAP and whether it is broken."""

    kind: SwingKind
    price: Paise
    index: int
    vwap_num: int
    vwap_den: int
    broken: bool = False


class SwingDetector:
    """Eats the closed bars of one symbol; a new date in Asia/Kolkata starts it anew.

    A minute without trades is absent: indices count bars, not minutes.
    """

    def __init__(self) -> None:
        self._day: Day | None = None
        self._clear()

    @property
    def last(self) -> Swing | None:
        """The last swing made or moved, if there is one."""
        return self._last

    @property
    def low_votes(self) -> dict[int, int]:
        """Votes for a low, by the index of the bar voted for; a copy."""
        return dict(self._votes[SwingKind.LOW])

    @property
    def high_votes(self) -> dict[int, int]:
        """Votes for a high, by the index of the bar voted for; a copy."""
        return dict(self._votes[SwingKind.HIGH])

    def step(self, bar: Bar) -> tuple[SwingEvent, ...]:
        """Eat one closed bar and return what it changed; one not newer than the last is ignored."""
        if self._bars and bar.minute <= self._bars[-1].minute:
            return ()
        day = trading_day(bar.minute)
        if day != self._day:
            self._clear()
            self._day = day
        self._append(bar)
        made = self._vote(bar)
        broke = self._break(bar)
        return tuple(event for event in (made, broke) if event is not None)

    def _clear(self) -> None:
        self._bars: list[Bar] = []
        self._last: Swing | None = None
        self._votes: dict[SwingKind, dict[int, int]] = {SwingKind.LOW: {}, SwingKind.HIGH: {}}
        # The earliest extremes of the bars since the last swing, kept so that a bar costs one pass.
        self._lowest = self._highest = 0

    @property
    def _start(self) -> int:
        return self._last.index + 1 if self._last else 0

    def _append(self, bar: Bar) -> None:
        self._bars.append(bar)
        index = len(self._bars) - 1
        if index == self._start:
            self._lowest = self._highest = index
            return
        if bar.low < self._bars[self._lowest].low:
            self._lowest = index
        if bar.high > self._bars[self._highest].high:
            self._highest = index

    def _vote(self, bar: Bar) -> SwingEvent | None:
        """Let the newest bar vote for each bar since the last swing, until one vote decides.

        A bar closes above or below another, so it has at most one vote for it: which kind is
        looked at first never matters.
        """
        high, low, close = bar.high, bar.low, bar.close
        for j in range(self._start, len(self._bars) - 1):
            then = self._bars[j]
            if close > then.close and high > then.high:
                kind = SwingKind.LOW
            elif close < then.close and low < then.low:
                kind = SwingKind.HIGH
            else:
                continue
            votes = self._votes[kind]
            votes[j] = votes.get(j, 0) + 1
            if votes[j] >= VOTES and (event := self._confirm(kind)) is not None:
                return event
        return None

    def _confirm(self, kind: SwingKind) -> SwingEvent | None:
        index = self._lowest if kind is SwingKind.LOW else self._highest
        bar = self._bars[index]
        price = bar.low if kind is SwingKind.LOW else bar.high
        last = self._last
        if last is None or last.kind is not kind:
            made = Swing(kind, price, index, bar.vwap_num, bar.vwap_den)
            self._votes = {SwingKind.LOW: {}, SwingKind.HIGH: {}}
            return self._keep(made, kind)
        if price < last.price if kind is SwingKind.LOW else price > last.price:
            return self._keep(replace(last, price=price, index=index), _UPDATE[kind])
        return None

    def _keep(self, swing: Swing, kind: SwingKind) -> SwingEvent:
        self._last = swing
        since = range(swing.index + 1, len(self._bars))
        self._lowest = min(since, key=lambda i: self._bars[i].low, default=swing.index)
        self._highest = max(since, key=lambda i: self._bars[i].high, default=swing.index)
        return self._event(kind, swing)

    def _break(self, bar: Bar) -> SwingEvent | None:
        last = self._last
        if last is None or last.kind is SwingKind.HIGH or last.broken or bar.low >= last.price:
            return None
        self._last = replace(last, broken=True)
        return self._event(SwingKind.BROKEN, last)

    def _event(self, kind: SwingKind, swing: Swing) -> SwingEvent:
        return SwingEvent(
            kind=kind,
            price=swing.price,
            index=swing.index,
            minute=self._bars[swing.index].minute,
            vwap_num=swing.vwap_num,
            vwap_den=swing.vwap_den,
            hh=self._bars[self._highest].high,
        )
