"""The minute in progress: ticks put in the order of their keys and folded into one bar.

The cumulative volume is the natural sequence number of a symbol's trades, so a bar does not depend
on the order in which the ticks of its minute arrived.
"""

from typing import NamedTuple

from domain.market import Bar, Forming, Provenance, Source, Tick
from domain.units import Micros, Paise, Symbol, Units

Key = tuple[int, int, int, int]
"""Era, cumulative volume, exchange time, arrival: the order of ticks."""


class Before(NamedTuple):
    """What a minute starts from: the last price, its key, and the highest cumulative volume."""

    price: Paise | None = None
    key: Key = (0, 0, 0, 0)
    cum: int = 0


class Keys:
    """Give each tick of one symbol its key. What a tick lacks is taken from the newest of its era.

    An era is one epoch of one source; a rebased volume counter starts another. `floor` is the
    highest cumulative volume when the running minute began: less of the same era is a late tick.
    """

    def __init__(self) -> None:
        self.floor = 0
        self._era = 0
        self._origin: tuple[Source, int] | None = None
        self._cum = 0
        self._exch_at = 0

    def of(self, tick: Tick) -> Key:
        """Return the key of a tick, as it arrives."""
        origin = (tick.source, tick.epoch)
        if origin != self._origin or (tick.gap and tick.cum_volume is not None):
            self._origin = origin
            self._era += 1
            self.floor = self._cum = self._exch_at = 0
        cum = self._cum if tick.cum_volume is None else tick.cum_volume
        exch_at = self._exch_at if tick.exch_at is None else tick.exch_at
        self._cum = max(self._cum, cum)
        self._exch_at = max(self._exch_at, exch_at)
        return (self._era, cum, exch_at, tick.seq)

    def begin_minute(self) -> None:
        """Remember how far the volume had come."""
        self.floor = self._cum

    def is_behind(self, key: Key) -> bool:
        """Whether a tick just keyed is below the highest volume of its era."""
        return key[1] < self._cum


class _Fold:
    """Open, high, low, close and counts of the ticks that count, taken in the order of keys."""

    __slots__ = ("close", "count", "cum", "high", "key", "low", "open", "price")

    def __init__(self, before: Before) -> None:
        self.price, self.key, self.cum = before
        self.count = 0
        self.open = self.high = self.low = self.close = Paise(0)

    def take(self, key: Key, tick: Tick) -> None:
        """Let a tick change the bar, unless it is an echo: no more volume and the price we know.

        Not the increment decides: it fell to whichever tick arrived first.
        """
        if key[1] > self.cum or not tick.low == tick.high == tick.ltp == self.price:
            self._count(tick)
        starts_again = tick.gap and tick.cum_volume is not None
        self.cum = key[1] if starts_again else max(self.cum, key[1])
        self.price = tick.ltp
        self.key = key

    def _count(self, tick: Tick) -> None:
        if not self.count:
            # A conflated tick has lost its first price; the tick before it carries that.
            self.open, self.high, self.low = tick.ltp, tick.high, tick.low
        self.count += 1
        self.high = max(self.high, tick.high)
        self.low = min(self.low, tick.low)
        self.close = tick.ltp


class Running:
    """One symbol's minute in progress; `cum` is the highest cumulative volume heard in it, or 0."""

    def __init__(self, symbol: Symbol, minute: Micros, before: Before) -> None:
        self.minute = minute
        self.cum = 0
        self._symbol = symbol
        self._before = before
        self._fold = _Fold(before)
        self._ticks: list[tuple[Key, Tick]] = []
        self._seen: set[tuple[int | None, ...]] = set()
        self._origins: set[tuple[Source, int]] = set()
        self._volume = 0
        self._heard_at = Micros(0)
        self._has_gap = False
        self._restarted: int | None = None

    @property
    def after(self) -> Before:
        """What the next minute starts from."""
        cum = self._fold.cum if self._restarted is None else self._restarted
        return Before(self._fold.price, self._fold.key, cum)

    def add(self, key: Key, tick: Tick) -> None:
        """Take a tick of this minute; one seen before in this minute changes nothing."""
        self._heard_at = max(self._heard_at, tick.recv_at)
        self._origins.add((tick.source, tick.epoch))
        self._has_gap = self._has_gap or tick.gap
        self.cum = max(self.cum, tick.cum_volume or 0)
        if self._restarted is not None:
            self._restarted = max(self._restarted, tick.cum_volume or 0)
        if self._is_repeated(key, tick):
            return
        self._volume += tick.volume
        self._ticks.append((key, tick))
        if key > self._fold.key:
            self._fold.take(key, tick)
        else:
            self._refold()

    def start_again(self, cum: int) -> None:
        """Let the next minute count the volume from here on: the counter was reset."""
        self._restarted = cum

    @property
    def forming(self) -> Forming:
        """The minute so far, from its first tick on. Without a trade yet: the price we know."""
        fold = self._fold
        _, newest = self._ticks[-1]
        return Forming(
            symbol=self._symbol,
            minute=self.minute,
            high=fold.high if fold.count else newest.ltp,
            low=fold.low if fold.count else newest.ltp,
            last=newest.ltp,
            at=self._heard_at,
        )

    def bar(self) -> Bar | None:
        """Return the bar these ticks make, VWAP not filled in; None if none of them counted."""
        fold = self._fold
        if not fold.count:
            return None
        return Bar(
            symbol=self._symbol,
            minute=self.minute,
            open=fold.open,
            high=fold.high,
            low=fold.low,
            close=fold.close,
            volume=Units(self._volume),
            ticks=fold.count,
            provenance=self._provenance(),
        )

    def _provenance(self) -> Provenance:
        if self._has_gap:
            return Provenance.GAP
        if len(self._origins) > 1:
            return Provenance.MIXED
        (source, _), *_ = self._origins
        return Provenance.REST if source is Source.REST else Provenance.WS

    def _is_repeated(self, key: Key, tick: Tick) -> bool:
        """Recognise a tick delivered twice, by its exchange time or because the volume went on.

        Without either it may be the price that came back.
        """
        mark = (key[0], tick.cum_volume, tick.exch_at, tick.ltp, tick.low, tick.high)
        is_known = mark in self._seen
        self._seen.add(mark)
        return is_known and (tick.exch_at is not None or key[1] < self._fold.cum)

    def _refold(self) -> None:
        """Start again in the order of keys: a tick came late."""
        self._ticks.sort(key=lambda item: item[0])
        self._fold = _Fold(self._before)
        for key, tick in self._ticks:
            self._fold.take(key, tick)
