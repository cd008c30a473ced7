"""A recorded day: one-minute bars played as ticks that honour every bar exactly.

`sandbox.md` 3.3, kind `bars`. First tick = open at second 0, last = close at 59.5, high and low are
touched, everything else lies inside and on the tick; the path is O-L-H-C when close >= open, else
O-H-L-C. Ticks of a contract are never more than 4 s apart (from 16 ticks a bar on), the underlying
gets one a second. Quotes are made by the spread rule around the last price, because bars hold none.
A minute that is not on the tape sends nothing.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import msgspec

from domain.units import MINUTE, SECOND, Day, Micros, Paise, Symbol, Units
from sandbox.kinds import InstrumentLine, PriceOut
from sandbox.market.draws import Stream
from sandbox.market.line import Line, day_so_far
from sandbox.market.master import INDEX
from sandbox.market.pricing import TICK, on_ticks
from sandbox.params import MarketParams

LAST_S = 59.5
GAP_MAX_S = 4.0
LEAST_TICKS = 4
INDEX_TICKS = 60
_BLOCKS_A_MINUTE = 256
_SCALE = 2.0**-32


class TapeBar(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One recorded minute in paise and units, consistent and on the tick: `tape.read` saw to it."""

    minute: Micros
    open: Paise
    high: Paise
    low: Paise
    close: Paise
    volume: Units
    oi: Units = Units(0)


@dataclass(frozen=True, slots=True)
class Tape:
    """A recorded day: bars by symbol, ascending in time."""

    day: Day
    bars: Mapping[Symbol, tuple[TapeBar, ...]]

    @property
    def symbols(self) -> Collection[Symbol]:
        """What is on it."""
        return self.bars.keys()

    @property
    def made_up(self) -> bool:
        """Whether quotes are made up: bars hold none."""
        return True


@dataclass(frozen=True, slots=True)
class Projector:
    """How a tape is played. `cross` lets a put go the other way round than its underlying."""

    tape: Tape
    params: MarketParams
    random_seed: int
    open_at: Micros
    ticks_per_bar: int
    cross: bool

    def rises(self, instrument: InstrumentLine, bar: TapeBar) -> bool:
        """Return whether a minute goes down first and then up."""
        if not self.cross or instrument.kind != "PE":
            return bar.close >= bar.open
        under = self.tape.bars.get(Symbol(instrument.name), ())
        same = next((b for b in under if b.minute == bar.minute), bar)
        return same.close < same.open


class RecordedLine(Line):
    """One symbol of a tape."""

    def __init__(self, instrument: InstrumentLine, projector: Projector) -> None:
        bars = projector.tape.bars[instrument.symbol]
        super().__init__(instrument, projector.open_at, bars[0].open)
        self._projector = projector
        self._bars_at = {(bar.minute - self.open_at) // MINUTE: bar for bar in bars}
        self._stream = Stream(projector.random_seed, "tape", instrument.symbol)
        self._is_index = instrument.kind == INDEX

    def make(self, minute: int, last: PriceOut) -> list[PriceOut]:
        bar = self._bars_at.get(minute)
        if bar is None:
            return []
        count = INDEX_TICKS if self._is_index else self._projector.ticks_per_bar
        draws = self._draws(minute, max(LEAST_TICKS, count))
        prices = path(bar, draws, rises=self._projector.rises(self.instrument, bar))
        seconds = index_seconds() if self._is_index else instants(draws)
        sizes = split(bar.volume, self.instrument.lot, draws)
        start = bar.minute
        ticks = [
            (Micros(start + int(second * SECOND)), price, size, word)
            for second, price, size, word in zip(seconds, prices, sizes, draws, strict=True)
        ]
        return self._updates(ticks, bar.oi, last)

    def _draws(self, minute: int, count: int) -> list[int]:
        words: list[int] = []
        while len(words) < count:
            words += self._stream.words(minute * _BLOCKS_A_MINUTE + len(words))
        return words[:count]

    def _updates(
        self, ticks: list[tuple[Micros, Paise, Units, int]], oi: Units, last: PriceOut
    ) -> list[PriceOut]:
        first, high, low = day_so_far(last, ticks[0][1])
        volume = last.volume
        outs = []
        for at, price, size, word in ticks:
            high, low, volume = max(high, price), min(low, price), Units(volume + size)
            bid, ask = self._quote(price)
            out = PriceOut(
                at, self.symbol, self.instrument.exchange, price, at, volume, size,
                first, high, low, self.prev_close, oi, bid, ask, word, self.instrument.lot,
                self.instrument.tick,
            )  # fmt: skip
            outs.append(out)
        return outs

    def _quote(self, price: Paise) -> tuple[Paise, Paise]:
        if self._is_index:
            return Paise(0), Paise(0)
        return quoted(price, self._projector.params)


def quoted(price: Paise, params: MarketParams) -> tuple[Paise, Paise]:
    """Return bid and ask made up around a price by the spread rule."""
    half = max(params.half_spread_min_p, price * params.half_spread_bp * 1e-4)
    return on_ticks(price, half)


def path(bar: TapeBar, draws: list[int], *, rises: bool) -> list[Paise]:
    """Return one price per draw: open first, both extremes on the way, close last."""
    count = len(draws)
    turns = (bar.low, bar.high) if rises else (bar.high, bar.low)
    early = 1 + draws[0] % max(1, (count - 2) // 2)
    late = early + 1 + draws[1] % (count - 2 - early)
    places = (0, early, late, count - 1)
    nodes = (bar.open, *turns, bar.close)
    prices = [bar.open] * count
    for n in range(3):
        begin, end = places[n], places[n + 1]
        for place in range(begin + 1, end):
            share = (place - begin) / (end - begin)
            noise = (((draws[place] & 0xFFFF) / 0xFFFF) - 0.5) * (bar.high - bar.low) * 0.3
            price = nodes[n] + (nodes[n + 1] - nodes[n]) * share + noise
            prices[place] = Paise(min(bar.high, max(bar.low, round(price / TICK) * TICK)))
        prices[end] = nodes[n + 1]
    return prices


def instants(draws: list[int]) -> list[float]:
    """Return one second of the minute per draw, ascending from 0 to 59.5, drawn around a grid."""
    step = LAST_S / (len(draws) - 1)
    reach = max(0.0, min(0.45, (GAP_MAX_S / step - 1) / 2))
    inner = [
        step * (n + reach * (2 * (word >> 32) * _SCALE - 1))
        for n, word in enumerate(draws[1:-1], 1)
    ]
    return [0.0, *inner, LAST_S]


def index_seconds() -> list[float]:
    """Return the seconds of an index: each whole one, the last at 59.5 like every line's."""
    return [*map(float, range(INDEX_TICKS - 1)), LAST_S]


def split(volume: Units, lot: int, draws: list[int]) -> list[Units]:
    """Return a size per draw: whole lots by largest remainder, what is no lot on the first tick.

    The first tick gets a lot before all others, so that a bar's open is always a trade.
    """
    lots, odd = divmod(volume, lot)
    first = min(1, lots)
    weights = [(word >> 16 & 0xFFFF) + 0x8000 for word in draws]
    whole = [(lots - first) * weight // sum(weights) for weight in weights]
    left = lots - first - sum(whole)
    rests = [-((lots - first) * weight % sum(weights)) for weight in weights]
    for place in sorted(range(len(draws)), key=rests.__getitem__)[:left]:
        whole[place] += 1
    whole[0] += first
    return [Units(count * lot + (odd if place == 0 else 0)) for place, count in enumerate(whole)]
