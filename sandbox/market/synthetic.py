"""The synthetic chain: index, volatility index, future and options around one drawn spot path.

Rows of `sandbox.md` 3.1 (tempo, prints, sizes, spread, smile). Quotes of an option are a Poisson
process whose rate is fixed at the start of each minute, so that any minute can be made alone.
"""

from dataclasses import dataclass
from functools import cache
from math import exp, log

from domain.units import MINUTE, SECOND, Micros, Paise, Units
from sandbox.kinds import InstrumentLine, PriceOut
from sandbox.market.draws import WORDS, Stream
from sandbox.market.hours import Session
from sandbox.market.line import Line, day_so_far
from sandbox.market.pricing import Moment, moment, on_ticks, years_left
from sandbox.market.regimes import NEVER, Weather
from sandbox.params import MarketParams

_SCALE = 2.0**-32
_BLOCKS_A_MINUTE = 4096
_SIZES = 1024
_MORE_LOTS = 0.65
"""Chance that a print is one lot larger still: geometric, about three lots on average."""
_FUTURE_SHARE = 2e-5
"""Half spread of the future as a share of its price: half a point at 26,000."""
FIRST_OI_LOTS = 10_000
VIX_STEP_S = 15
NO_PRINT = 0xFFFF
"""The word of an update that is only a quote."""
Update = tuple[float, int, int]
"""When a book changes, in seconds of its minute, and two words drawn for it."""
VIX_LEAN = 4.0
"""How many per cent the volatility index rises when the spot falls by one."""


@dataclass(frozen=True, slots=True)
class Sky:
    """What every line of a day looks up to: the spot path and the hours."""

    params: MarketParams
    random_seed: int
    session: Session
    spot: list[int]
    weather: Weather

    def prices(self, minute: int) -> list[int]:
        """Return the spot of each second of a minute; none outside the session."""
        if minute >= self.session.minutes:
            return []
        return self.spot[minute * 60 : minute * 60 + 60]

    def volatility(self, minute: int) -> float:
        """Return the at-the-money one of a minute: yearly, premium included."""
        return self.weather.implied(minute) + self.params.iv_premium_bp * 1e-4

    def is_befallen(self, minute: int) -> bool:
        """Return whether any of a minute lies in a halt."""
        begin, end = self.weather.halt
        return begin < minute * 60 + 60 and minute * 60 < end

    def is_halted(self, minute: int, second: float) -> bool:
        """Return whether a second of a minute lies in a halt."""
        begin, end = self.weather.halt
        return begin <= minute * 60 + second < end

    def second(self, at: Micros) -> int:
        """Return the number of the trading second that holds an instant, clipped to the day."""
        return min(max(at // SECOND - self.session.open_s, 0), len(self.spot) - 1)


@cache
def sizes(lot: int) -> tuple[Units, ...]:
    """Return print sizes at evenly spaced quantiles of the geometric law, in units."""
    quantiles = ((n + 0.5) / _SIZES for n in range(_SIZES))
    return tuple(Units(lot * (1 + int(log(q) / log(_MORE_LOTS)))) for q in quantiles)


class IndexLine(Line):
    """The spot index: one tick a second."""

    def __init__(self, instrument: InstrumentLine, sky: Sky) -> None:
        open_at = Micros(sky.session.open_s * SECOND)
        super().__init__(instrument, open_at, Paise(sky.params.spot_p))
        self._sky = sky

    def make(self, minute: int, last: PriceOut) -> list[PriceOut]:
        start = self.open_at + minute * MINUTE
        ticks = [
            (Micros(start + n * SECOND), Paise(price))
            for n, price in enumerate(self._sky.prices(minute))
            if not self._sky.is_halted(minute, n)
        ]
        return index_updates(self, ticks, last)


class VixLine(Line):
    """The volatility index: the level of the smile, leaning against the spot."""

    def __init__(self, instrument: InstrumentLine, sky: Sky) -> None:
        super().__init__(
            instrument, Micros(sky.session.open_s * SECOND), _vix(sky, 0, sky.params.spot_p)
        )
        self._sky = sky

    def make(self, minute: int, last: PriceOut) -> list[PriceOut]:
        start = self.open_at + minute * MINUTE
        prices = self._sky.prices(minute)[::VIX_STEP_S]
        ticks = [
            (Micros(start + n * VIX_STEP_S * SECOND), _vix(self._sky, minute, price))
            for n, price in enumerate(prices)
            if not self._sky.is_halted(minute, n * VIX_STEP_S)
        ]
        return index_updates(self, ticks, last)


class QuotedLine(Line):
    """A contract with a book: quote updates at drawn instants, most of them with a print."""

    def __init__(self, instrument: InstrumentLine, sky: Sky, expiry_s: int) -> None:
        self._sky = sky
        self._expiry_s = expiry_s
        self._strike = float(instrument.strike)
        self._is_call = instrument.kind == "CE"
        self._stream = Stream(sky.random_seed, "quotes", instrument.symbol)
        self._sizes = sizes(instrument.lot)
        self._print_below = sky.params.print_share_bp * 65_536 // 10_000
        self._no_asks = sky.weather.no_asks if instrument.kind == "PE" else NEVER
        self._edges = sorted({*self._no_asks, sky.weather.halt[1]} - {*NEVER})
        mid, _ = self._value(self._moment(0), sky.params.spot_p)
        close = on_ticks(mid, 0.0)[1]
        open_at = Micros(sky.session.open_s * SECOND)
        super().__init__(instrument, open_at, close, Units(FIRST_OI_LOTS * instrument.lot))

    def make(self, minute: int, last: PriceOut) -> list[PriceOut]:
        if minute >= self._sky.session.minutes:
            return []
        now = self._moment(minute)
        instants = self._befallen(minute, self._instants(minute, now))
        return self._updates(minute, now, instants, last)

    def theory(self, at: Micros) -> Paise:
        second = self._sky.second(at)
        mid, _ = self._value(self._moment(second // 60), self._sky.spot[second])
        return on_ticks(mid, 0.0)[1]

    def _moment(self, minute: int) -> Moment:
        middle = self._sky.session.open_s + minute * 60 + 30
        years = years_left(middle, self._expiry_s)
        sky = self._sky
        return moment(sky.params, years, sky.volatility(minute), sky.weather.spread_x(minute))

    def _value(self, now: Moment, spot: float) -> tuple[float, float]:
        """Return mid and half spread in paise."""
        m = now.reach(self._strike, spot)
        value = now.call if self._is_call else now.put
        mid = max(0.0, value(self._strike, spot, m))
        return mid, now.half_spread(mid, m)

    def _rate(self, minute: int, now: Moment) -> float:
        """Return quote updates a second in this minute."""
        params = self._sky.params
        m = now.reach(self._strike, self._sky.spot[minute * 60])
        rate = max(params.quotes_per_s * exp(-abs(m)), 1.0 / params.quiet_max_s)
        return rate * params.open_x if minute < self._busy_minutes() else rate

    def _busy_minutes(self) -> int:
        hours, minutes = self._sky.params.open_until.split(":")[:2]
        return int(hours) * 60 + int(minutes) - self._sky.session.open_minute

    def _instants(self, minute: int, now: Moment) -> list[Update]:
        """Return when the book changes in this minute, in seconds, each with two words drawn."""
        gap = 1.0 / self._rate(minute, now)
        length = min(60.0, len(self._sky.spot) - minute * 60.0)
        number = minute * _BLOCKS_A_MINUTE
        second = 0.0
        found: list[Update] = []
        while True:
            words = self._stream.words(number)
            number += 1
            for place in range(0, WORDS, 2):
                word = words[place]
                second -= log(((word & 0xFFFF_FFFF) + 0.5) * _SCALE) * gap
                if second >= length:
                    return found
                found.append((second, word >> 32, words[place + 1]))

    def _befallen(self, minute: int, drawn: list[Update]) -> list[Update]:
        """Take out what a halt swallows, and put in a quote where a special time begins or ends.

        So a side is empty at once, and who trades after a halt meets no quote from before it.
        """
        begins = minute * 60
        edges = [edge for edge in self._edges if begins <= edge < begins + 60]
        if self._sky.is_befallen(minute):
            drawn = [each for each in drawn if not self._sky.is_halted(minute, each[0])]
        if not edges:
            return drawn
        stream = Stream(self._sky.random_seed, "edges", self.symbol)
        quotes = [(float(edge - begins), NO_PRINT, stream.words(edge)[0]) for edge in edges]
        return sorted([*drawn, *quotes])

    def _updates(
        self,
        minute: int,
        now: Moment,
        instants: list[Update],
        last: PriceOut,
    ) -> list[PriceOut]:
        start = self.open_at + minute * MINUTE
        spot = self._sky.prices(minute)
        symbol, exchange = self.symbol, self.instrument.exchange
        lot, tick = self.instrument.lot, self.instrument.tick
        prev_close, value, print_below = self.prev_close, self._value, self._print_below
        ltp, ltt, volume, size = last.ltp, last.ltt, last.volume, last.last_quantity
        first, high, low, oi = last.open, last.high, last.low, last.oi
        unsold, sold = (second - minute * 60 for second in self._no_asks)
        outs = []
        for second, word, shape in instants:
            bid, ask = on_ticks(*value(now, spot[int(second)]))
            at = Micros(start + int(second * SECOND))
            if unsold <= second < sold:
                ask = Paise(0)
            if word & 0xFFFF < print_below and (bid or ask):
                ltp = ask if ask and (word & 0x10000 or not bid) else bid
                ltt, size = at, self._sizes[word >> 17 & 1023]
                volume = Units(volume + size)
                oi = Units(max(lot, oi + (size if shape >> 60 & 1 else -size)))
                if not first:
                    first = high = low = ltp
                elif ltp > high:
                    high = ltp
                elif ltp < low:
                    low = ltp
            out = PriceOut(
                at, symbol, exchange, ltp, ltt, volume, size, first, high, low,
                prev_close, oi, bid, ask, shape, lot, tick,
            )  # fmt: skip
            outs.append(out)
        return outs


class FutureLine(QuotedLine):
    """The near future: the forward itself, with a narrow quote."""

    def _value(self, now: Moment, spot: float) -> tuple[float, float]:
        mid = spot * now.growth
        return mid, max(now.spread_min, mid * _FUTURE_SHARE) * now.spread_x

    def _rate(self, minute: int, now: Moment) -> float:
        del now
        params = self._sky.params
        return params.quotes_per_s * (params.open_x if minute < self._busy_minutes() else 1.0)


def index_updates(line: Line, ticks: list[tuple[Micros, Paise]], last: PriceOut) -> list[PriceOut]:
    """Return updates of an index: every one a print, without volume, quantity or book."""
    nothing, zero = Units(0), Paise(0)
    exchange, symbol, close = line.instrument.exchange, line.symbol, line.prev_close
    outs: list[PriceOut] = []
    if not ticks:
        return outs
    first, high, low = day_so_far(last, ticks[0][1])
    for at, price in ticks:
        high, low = max(high, price), min(low, price)
        out = PriceOut(
            at, symbol, exchange, price, at, nothing, nothing, first, high, low,
            close, nothing, zero, zero, 0, 1, line.instrument.tick,
        )  # fmt: skip
        outs.append(out)
    return outs


def _vix(sky: Sky, minute: int, spot: float) -> Paise:
    level = sky.volatility(minute) * 10_000 * exp(-VIX_LEAN * log(spot / sky.params.spot_p))
    return Paise(round(level / 5) * 5)
