"""Are polled quotes alive? Five kinds of evidence, from the canaries' quotes to the broker's bars.

Quotes carry no time, and OpenAlgo has been seen to answer 200 with frozen or yesterday's prices. A
polled price equal to the last streamed one proves nothing either. So quotes count for nothing until
they change, and they stop counting as soon as they stand still, contradict themselves, go back in
the day, or the broker's own bars turn out to be old.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from typing import NamedTuple

from domain.calls import History
from domain.market import HistoryBar, Quote
from domain.params import FeedParams
from domain.session import DayPlan
from domain.signs import RestVerdict
from domain.units import MINUTE, Micros, Paise, Symbol, seconds

OLD_ROW = Micros(2 * MINUTE)
EARLY = Micros(15 * MINUTE)
"""So long after the open a broker's bars may lag by nature, and prove nothing."""

SPOT_MOVE = Paise(2000)
OPTION_MOVE = Paise(1000)
"""What 20 points of the index make of an option at the money, whose delta is a half."""

SUSPECT_FOR = seconds(10)
"""How long a suspicion may wait for the broker's bars to clear it."""

REGRESSIONS = 2
"""The so manieth quote that went back makes the source stale."""


class Print(NamedTuple):
    """What a canary's quote shows; any difference is movement."""

    ltp: int
    bid: int
    ask: int
    volume: int
    oi: int


class _Extremes(NamedTuple):
    """How far a symbol's day had got: these can only widen. A broker may leave high and low 0."""

    volume: int
    high: int
    low: int

    def is_ahead_of(self, quote: Quote) -> bool:
        """Whether a quote is of an earlier moment of the day."""
        is_narrower = 0 < quote.high < self.high or 0 < self.low < quote.low
        return quote.volume < self.volume or is_narrower


class RestLadder:
    """The verdict on one stretch of polling. Mutable, owned by FeedActor.

    `begin` starts a new stretch: what was polled before it proves nothing.
    """

    def __init__(self, params: FeedParams, plan: DayPlan, index: Symbol) -> None:
        self.dropped: Counter[str] = Counter()
        self._still = seconds(params.rest_still_s)
        self._patience = params.rebase_ticks
        self._plan = plan
        self._index = index
        self.begin()

    def begin(self) -> None:
        """Forget everything that was polled."""
        self._prints: dict[Symbol, Print] = {}
        self._extremes: dict[Symbol, _Extremes] = {}
        self._backwards: Counter[Symbol] = Counter()
        self._since: Micros | None = None
        self._moved_at: Micros | None = None
        self._regressed: tuple[Micros, ...] = ()
        self._rows: dict[Symbol, bool] = {}
        self._suspect_since: Micros | None = None
        self._anchor: dict[Symbol, int] = {}

    def sift(self, quotes: Iterable[Quote]) -> tuple[Quote, ...]:
        """Return the quotes that contradict neither themselves nor the day so far."""
        return tuple(quote for quote in quotes if self._is_sound(quote))

    def moved(self, quotes: Iterable[Quote], canaries: Collection[Symbol], at: Micros) -> bool:
        """Take the sound quotes of a poll; return whether any canary's quote changed."""
        has_moved = False
        for quote in quotes:
            if quote.symbol in canaries:
                now = Print(quote.ltp, quote.bid, quote.ask, quote.volume, quote.oi)
                has_moved |= self._prints.get(quote.symbol, now) != now
                self._prints[quote.symbol] = now
        self._since = at if self._since is None else self._since
        self._moved_at = at if has_moved else self._moved_at
        return has_moved

    def compare(self, pair: Collection[Symbol], at: Micros) -> None:
        """Compare the index with the call and put at the money: one cannot move alone.

        Called while the index counts as a canary: it stands still in the closing auction.
        """
        symbols = (self._index, *pair)
        if len(symbols) < 3 or not all(symbol in self._prints for symbol in symbols):
            return
        prices = {symbol: self._prints[symbol].ltp for symbol in symbols}
        before = {symbol: self._anchor.get(symbol, prices[symbol]) for symbol in symbols}
        has_spot_moved = prices[self._index] != before[self._index]
        has_option_moved = any(prices[symbol] != before[symbol] for symbol in pair)
        if not self._anchor or (has_spot_moved and has_option_moved):
            self._anchor = prices
            return
        far = abs(prices[self._index] - before[self._index]) >= SPOT_MOVE
        both = all(abs(prices[symbol] - before[symbol]) >= OPTION_MOVE for symbol in pair)
        if (far or both) and self._suspect_since is None:
            self._suspect_since = at

    def judge_rows(self, answer: History, arbiters: Collection[Symbol]) -> None:
        """Take the broker's bars of a canary: their newest closed one tells how old prices are.

        Once one of the `arbiters` has spoken, what others said before is nothing any more.
        """
        asked_at = answer.asked_at
        newest = _newest_closed(answer.bars, asked_at)
        is_fresh = newest is not None and asked_at - (newest + MINUTE) <= OLD_ROW
        if is_fresh:
            self._suspect_since, self._anchor = None, {}
        if is_fresh or (newest is not None and asked_at >= self._plan.open + EARLY):
            self._rows = {s: said for s, said in self._rows.items() if s in arbiters}
            self._rows[answer.symbol] = is_fresh

    def is_suspicious(self) -> bool:
        """Whether the broker's bars should be asked for at once."""
        return self._suspect_since is not None

    def verdict(self, at: Micros) -> RestVerdict:
        """Return what the quotes are worth; fresh bars clear a suspicion, and nothing else."""
        if self._since is None:
            return RestVerdict.UNPROVEN
        newest = self._since if self._moved_at is None else self._moved_at
        if at - newest > self._still or self._is_condemned(at):
            return RestVerdict.STALE
        if self._rows and not any(self._rows.values()):
            return RestVerdict.STALE
        waits = self._suspect_since is not None and at - self._suspect_since > SUSPECT_FOR
        if self._moved_at is None or waits:
            return RestVerdict.UNPROVEN
        return RestVerdict.LIVE

    def _is_condemned(self, at: Micros) -> bool:
        is_often = len(self._regressed) >= REGRESSIONS
        return is_often and at - self._regressed[-1] <= self._still

    def _is_sound(self, quote: Quote) -> bool:
        has_range = 0 < quote.low <= quote.high
        if has_range and not quote.low <= quote.ltp <= quote.high:
            self.dropped["price outside its own range"] += 1
            return False
        before = self._extremes.get(quote.symbol)
        if before is not None and before.is_ahead_of(quote) and self._goes_back(quote):
            return False
        self._backwards[quote.symbol] = 0
        self._extremes[quote.symbol] = _Extremes(quote.volume, quote.high, quote.low)
        return True

    def _goes_back(self, quote: Quote) -> bool:
        """Count a quote that went back in its day; so many in a row are a correction of theirs."""
        self.dropped["went back in the day"] += 1
        self._backwards[quote.symbol] += 1
        self._regressed = (*self._regressed, quote.got_at)[-REGRESSIONS:]
        return self._backwards[quote.symbol] < self._patience


def _newest_closed(bars: Iterable[HistoryBar], asked_at: Micros) -> Micros | None:
    """Return the newest closed minute that traded; some brokers repeat the last close for ever."""
    newest: Micros | None = None
    close: Paise | None = None
    for bar in sorted(bars, key=lambda bar: bar.minute):
        if bar.minute + MINUTE > asked_at:
            break
        if bar.volume or not bar.open == bar.high == bar.low == bar.close == close:
            newest = bar.minute
        close = bar.close
    return newest
