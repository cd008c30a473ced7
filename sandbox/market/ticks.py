"""A recorded day of ticks: each update at its own instant, in the order it was recorded.

`sandbox.md` 3.3, kinds `ticks` and `samples`. Between two rows nothing is sent, which is what a
quiet feed looks like. A row is a print if the price moved or the day's volume grew; any other one
is a quote. A cumulative volume that falls is sent as it was recorded; bars and sizes go by the
highest so far. What the tape does not hold of a quote is made by the spread rule.
"""

from array import array
from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from domain.units import MINUTE, Day, Micros, Paise, Symbol, Units
from sandbox.kinds import BarLine, InstrumentLine, PriceOut
from sandbox.market.draws import WORDS, Stream
from sandbox.market.line import Line, day_so_far
from sandbox.market.master import INDEX
from sandbox.market.recorded import quoted
from sandbox.params import MarketParams

NONE = -1
"""What stands in a column where the tape holds nothing."""


def _column() -> "array[int]":
    return array("q")


@dataclass(frozen=True, slots=True)
class Ticks:
    """One symbol's rows as columns of one length, strictly ascending in time.

    Prices in paise, volumes in units; only `at` and `ltp` are never NONE. 0 is an empty side.
    """

    at: "array[int]" = field(default_factory=_column)
    ltp: "array[int]" = field(default_factory=_column)
    volume: "array[int]" = field(default_factory=_column)
    bid: "array[int]" = field(default_factory=_column)
    ask: "array[int]" = field(default_factory=_column)
    oi: "array[int]" = field(default_factory=_column)

    def add(self, at: Micros, traded: tuple[int, int], quote: tuple[int, int] = (0, 0)) -> None:
        """Append a row: last price and the day's volume, bid and ask. It says no open interest."""
        for column, value in zip(self._columns(), (at, *traded, *quote, NONE), strict=True):
            column.append(value)

    def within(self, begin: Micros, end: Micros) -> "Ticks":
        """Return the rows from `begin` up to and not including `end`."""
        rows = slice(bisect_left(self.at, begin), bisect_left(self.at, end))
        return Ticks(*(column[rows] for column in self._columns()))

    def _columns(self) -> "tuple[array[int], ...]":
        return (self.at, self.ltp, self.volume, self.bid, self.ask, self.oi)


@dataclass(frozen=True, slots=True)
class TickTape:
    """A recorded day of ticks by symbol. `made_up`: some quotes are not on the tape.

    `left_out` is how many rows of the file are not played, as their prices are off the tick.
    """

    day: Day
    lines: Mapping[Symbol, Ticks]
    made_up: bool
    left_out: int = 0

    @property
    def symbols(self) -> Collection[Symbol]:
        """What is on it."""
        return self.lines.keys()


class TickLine(Line):
    """One symbol of a tape of ticks; `ticks` lie within the session."""

    def __init__(
        self, instrument: InstrumentLine, ticks: Ticks, day: tuple[Micros, Paise], *,
        params: MarketParams, random_seed: int,
    ) -> None:  # fmt: skip
        open_at, prev_close = day
        super().__init__(instrument, open_at, prev_close)
        self._ticks = ticks
        self._params = params
        self._stream = Stream(random_seed, "tape", instrument.symbol)
        self._is_index = instrument.kind == INDEX
        self._words: tuple[int, tuple[int, ...]] = (NONE, ())
        self._peak = Units(0)
        """The highest volume so far, and below it what it was ahead of the newest minute."""
        self._peak_before = Units(0)

    def make(self, minute: int, last: PriceOut) -> list[PriceOut]:
        """Return the rows of a minute."""
        self._peak_before = self._peak
        begin = self.open_at + minute * MINUTE
        rows = range(
            bisect_left(self._ticks.at, begin), bisect_left(self._ticks.at, begin + MINUTE)
        )
        outs: list[PriceOut] = []
        for row in rows:
            last = self._update(row, last)
            outs.append(last)
        return outs

    def _update(self, row: int, last: PriceOut) -> PriceOut:
        ticks = self._ticks
        at, price = Micros(ticks.at[row]), Paise(ticks.ltp[row])
        volume = last.volume if ticks.volume[row] == NONE else Units(ticks.volume[row])
        added = Units(max(0, volume - self._peak))
        self._peak = Units(self._peak + added)
        is_print = bool(added) or price != last.ltp or not last.ltt
        first, high, low = day_so_far(last, price)
        bid, ask = self._quote(row, price)
        return PriceOut(
            at, self.symbol, self.instrument.exchange, price, at if is_print else last.ltt, volume,
            added or last.last_quantity, first, max(high, price), min(low, price), self.prev_close,
            last.oi if ticks.oi[row] == NONE else Units(ticks.oi[row]), bid, ask, self._word(row),
            self.instrument.lot, self.instrument.tick,
        )  # fmt: skip

    def _quote(self, row: int, price: Paise) -> tuple[Paise, Paise]:
        if self._is_index:
            return Paise(0), Paise(0)
        bid, ask = self._ticks.bid[row], self._ticks.ask[row]
        if NONE not in {bid, ask}:
            return Paise(bid), Paise(ask)
        made_bid, made_ask = quoted(price, self._params)
        return (
            made_bid if bid == NONE else Paise(bid),
            made_ask if ask == NONE else Paise(ask),
        )

    def _word(self, row: int) -> int:
        block, place = divmod(row, WORDS)
        if self._words[0] != block:
            self._words = (block, self._stream.words(block))
        return self._words[1][place]

    def _bar(self, outs: Sequence[PriceOut]) -> BarLine | None:
        bar = super()._bar(outs)
        if bar is None:
            return None
        peak = max(self._peak_before, *(out.volume for out in outs))
        return replace(bar, volume=Units(peak - self._peak_before))
