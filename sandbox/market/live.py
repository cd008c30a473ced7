"""A day fed from outside: what another server says becomes lines and updates.

Pure. Whoever reads that server puts what it heard into the `Inbox` with the instant of its arrival;
the market takes it out when time gets there. Nothing is drawn but what the server does not show:
without a displayed book the quote stands around the last price by the spread rule, and its sizes
are drawn (`made_up` in ground truth).

| Heard | Becomes |
|---|---|
| more volume than ever today | a print of the difference, at the last price |
| no volume, another price | a print of the quantity said, else one lot; 0 for an index |
| anything else | an update without a print |

The first word after a connection may tell of minutes nobody saw: its print is as large as the last
quantity said, else one lot, and never the whole difference, or an outage would fill every queue.
Bars are not made here: they are those the server was last asked for.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import msgspec

from domain.units import MINUTE, Day, Micros, Paise, Symbol, Units
from sandbox.facts import DayFacts
from sandbox.kinds import BarLine, InstrumentLine, PriceOut, Shown
from sandbox.market.draws import Stream
from sandbox.market.line import Line
from sandbox.market.market import Market
from sandbox.market.master import INDEX
from sandbox.market.pricing import on_ticks
from sandbox.params import SandboxParams

REBASE = 5
"""So many words in a row below the day's highest volume mean that it began anew."""


class Seen(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a server said of one symbol; None is what it did not say. `open` to `low` are the day's.

    `shown` is the displayed book; one that shows nothing has empty sides.
    """

    symbol: Symbol
    exchange: str
    ltp: Paise
    volume: Units | None = None
    last_quantity: Units | None = None
    open: Paise | None = None
    high: Paise | None = None
    low: Paise | None = None
    prev_close: Paise | None = None
    oi: Units | None = None
    shown: Shown | None = None
    traded_at: Micros | None = None
    """When the last trade was, by the server's clock."""


class Inbox:
    """What was heard and not yet taken, in order of arrival. One thread."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Micros, Seen | None]] = deque()
        self.bars: dict[Symbol, tuple[BarLine, ...]] = {}
        """The day's minutes of each symbol as the server last told them, ascending."""

    def put(self, at: Micros, seen: Seen) -> None:
        """Leave what was heard at the market instant `at`."""
        self._waiting.append((at, seen))

    def begin(self, at: Micros) -> None:
        """Note that a new connection begins: what was said before it, nobody heard."""
        self._waiting.append((at, None))

    def take(self, after: Micros, until: Micros) -> Iterator[tuple[Micros, Seen | None]]:
        """Yield and forget what arrived up to `until`, each a microsecond later than the last.

        Instants never go back and never fall to `after` or before it.
        """
        while self._waiting:
            at = max(self._waiting[0][0], Micros(after + 1))
            if at > until:
                return
            after = at
            yield at, self._waiting.popleft()[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveDay:
    """A day as another server lists it: contracts, what was last known of each, and the inbox.

    `around` is the strike in the middle of the chain when the day was first listed.
    """

    day: Day
    around: Paise
    listed: tuple[tuple[InstrumentLine, Seen], ...]
    inbox: Inbox = field(default_factory=Inbox)


class LiveLine(Line):
    """One symbol as it is heard of. `is_new`: its next word is the first of a connection."""

    is_heard = True

    def __init__(
        self,
        instrument: InstrumentLine,
        hours: tuple[Micros, Micros],
        known: Seen,
        inbox: Inbox,
        params: SandboxParams,
    ) -> None:
        super().__init__(instrument, hours[0], known.prev_close or known.ltp)
        self.is_new = True
        self._close_at = hours[1]
        self._inbox = inbox
        self._params = params.market
        self._is_index = instrument.kind == INDEX
        self._stream = Stream(params.seed, "live", instrument.symbol)
        self._heard = 0
        self._highest = 0
        self._below = 0
        self._running: list[PriceOut] = []
        self.before = self._update(self.before.at, known, None)
        self._highest = self.before.volume

    def make(self, minute: int, last: PriceOut) -> list[PriceOut]:
        del minute, last
        self._running = []
        return self._running

    def hear(self, at: Micros, seen: Seen) -> PriceOut:
        """Take a word in; `at` lies behind every instant this line was asked for."""
        self.reach((at - self.open_at) // MINUTE)
        out = self._update(at, seen, self._traded(at, seen))
        if self.minute < 0:
            self.before = out
        else:
            self._running.append(out)
        return out

    def bars(self, at: Micros) -> tuple[BarLine, ...]:
        """Return the minutes the server told of, up to an instant."""
        return tuple(bar for bar in self._inbox.bars.get(self.symbol, ()) if bar.minute <= at)

    @property
    def _last(self) -> PriceOut:
        return self._running[-1] if self._running else self.before

    def _traded(self, at: Micros, seen: Seen) -> Units | None:
        """Return how much traded ahead of this word, or None if nothing did."""
        was_new, self.is_new = self.is_new, False
        grown = 0 if seen.volume is None else self._grown(seen.volume)
        if not self.open_at <= at < self._close_at:
            return None
        if self._is_index:
            return None if seen.ltp == self._last.ltp else Units(0)
        least = seen.last_quantity or self.instrument.lot
        if seen.volume is None:
            return None if seen.ltp == self._last.ltp else least
        return Units(min(grown, least) if was_new else grown) or None

    def _grown(self, volume: Units) -> int:
        """Return by how much the day's highest volume grew."""
        grown = volume - self._highest
        self._below = self._below + 1 if grown < 0 else 0
        if grown > 0 or self._below >= REBASE:
            self._highest, self._below = volume, 0
        return max(0, grown)

    def _update(self, at: Micros, seen: Seen, traded: Units | None) -> PriceOut:
        last, price = self._last, seen.ltp
        self._heard += 1
        bid, ask = self._quote(seen)
        return PriceOut(
            at, self.symbol, self.instrument.exchange, price,
            last.ltt if traded is None else at,
            Units(0) if self._is_index else _said(seen.volume, last.volume),
            last.last_quantity if traded is None else traded,
            seen.open or last.open or price,
            seen.high or max(last.high, price),
            seen.low or min(last.low or price, price),
            seen.prev_close or last.prev_close,
            Units(0) if self._is_index else _said(seen.oi, last.oi),
            bid, ask,
            0 if self._is_index else self._stream.words(self._heard)[0],
            self.instrument.lot, self.instrument.tick,
            Shown() if self._is_index else seen.shown,
            seen.traded_at or Micros(0),
        )  # fmt: skip

    def _quote(self, seen: Seen) -> tuple[Paise, Paise]:
        if self._is_index or not seen.ltp:
            return Paise(0), Paise(0)
        if seen.shown is not None:
            bids, asks = seen.shown.bids, seen.shown.asks
            return bids[0].price if bids else Paise(0), asks[0].price if asks else Paise(0)
        params = self._params
        half = max(params.half_spread_min_p, seen.ltp * params.half_spread_bp * 1e-4)
        return on_ticks(seen.ltp, half)


class LiveMarket(Market):
    """The lines of a day and the inbox they are fed from."""

    def __init__(
        self, lines: Mapping[Symbol, LiveLine], hours: tuple[Micros, Micros], inbox: Inbox
    ) -> None:
        super().__init__(lines, *hours)
        self._live = lines
        self._inbox = inbox
        self._cursor = Micros(0)  # what is heard before the open is passed on too

    def take(self, until: Micros, followed: frozenset[Symbol]) -> list[PriceOut]:
        """Let everything heard up to `until` reach its line; return the updates of `followed`."""
        taken: list[PriceOut] = []
        for at, seen in self._inbox.take(self._cursor, until):
            self._cursor = at
            if seen is None:
                self._begin()
            elif (line := self._live.get(seen.symbol)) and self._is_of(line, seen):
                out = line.hear(at, seen)
                if seen.symbol in followed:
                    taken.append(out)
        self._cursor = max(self._cursor, until)
        return taken

    def _begin(self) -> None:
        for line in self._live.values():
            line.is_new = True

    def _is_of(self, line: LiveLine, seen: Seen) -> bool:
        return line.instrument.exchange == seen.exchange


def live(params: SandboxParams, facts: DayFacts, day: LiveDay) -> LiveMarket:
    """Return the market of a listed day."""
    hours = facts.open, facts.close
    lines = {
        instrument.symbol: LiveLine(instrument, hours, known, day.inbox, params)
        for instrument, known in day.listed
    }
    for line in lines.values():
        line.keep(facts.window_s, facts.quiet_s)
    return LiveMarket(lines, hours, day.inbox)


def _said(said: Units | None, known: Units) -> Units:
    return known if said is None else said
