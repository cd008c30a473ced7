"""REST polling: whom to ask, when, and whether the answers move at all.

Quotes carry no time, and OpenAlgo has been seen to answer 200 with frozen or yesterday's prices. So
polled prices prove nothing until they change.
"""

from collections.abc import Collection

from domain.contracts import Chain
from domain.market import Pair, Quote
from domain.params import FeedParams
from domain.signs import RestVerdict
from domain.units import SECOND, Micros, Symbol, seconds

TIMEOUT = seconds(5)
USELESS_AFTER = 3
"""So many failures in a row make the source unusable."""


def symbols_to_poll(
    index: Pair, chain: Chain | None, own: Collection[Symbol], strikes: int
) -> tuple[Pair, ...]:
    """Return the index, our own symbols, and the strikes around the money, each once."""
    contracts = chain.contracts if chain else ()
    atm = chain.atm if chain else 0
    rows = sorted({c.strike for c in contracts}, key=lambda strike: (abs(strike - atm), strike))
    near = set(rows[: 2 * strikes + 1])
    wanted = [c for c in contracts if c.symbol in own]
    wanted += [c for c in contracts if c.strike in near]
    return tuple(dict.fromkeys([index, *((c.symbol, c.exchange) for c in wanted)]))


class Polling:
    """One poll at a time, and the verdict on what came. Mutable, owned by FeedActor.

    Due times are market time; how long an answer may take is machine time.
    """

    def __init__(self, params: FeedParams) -> None:
        self._every = Micros(params.rest_poll_ms * (SECOND // 1000))
        self._still = seconds(params.rest_still_s)
        self._due = Micros(0)
        self._asked_at = Micros(0)
        self._out: tuple[Micros, Micros] | None = None
        self._failures = 0
        self._prints: dict[Symbol, tuple[int, ...]] = {}
        self._moved_at: Micros | None = None

    def is_due(self, at: Micros, machine: Micros) -> bool:
        """Whether to ask now; an answer overdue counts as a failure."""
        if self._out is not None:
            if machine - self._out[1] < TIMEOUT:
                return False
            self._out = None
            self._failures += 1
        return at >= self._due

    def ask(self, at: Micros, machine: Micros) -> None:
        """Note that a poll went out."""
        if at - self._asked_at > self._still:
            # What was polled in an earlier outage proves nothing about this one.
            self._prints.clear()
            self._moved_at = None
        self._asked_at = at
        self._out = (at, machine)
        # Kept in step, so that looking once a second still polls at the mean rate asked for.
        on_time = at - self._due < self._every
        self._due = Micros((self._due if on_time else at) + self._every)

    def is_answer(self, asked_at: Micros) -> bool:
        """Return whether this is the answer that is waited for, and wait no longer."""
        if self._out is None or self._out[0] != asked_at:
            return False
        self._out = None
        return True

    def failed(self) -> None:
        """Note that the poll brought nothing."""
        self._failures += 1

    def moved(self, quotes: Collection[Quote], canaries: Collection[Symbol]) -> bool:
        """Take the quotes of a poll; return whether any canary's quote changed."""
        self._failures = 0
        has_moved = False
        for quote in quotes:
            if quote.symbol in canaries:
                trace = (quote.ltp, quote.bid, quote.ask, quote.volume, quote.oi)
                has_moved |= self._prints.get(quote.symbol, trace) != trace
                self._prints[quote.symbol] = trace
        if has_moved:
            self._moved_at = max(quote.got_at for quote in quotes)
        return has_moved

    def verdict(self, at: Micros) -> RestVerdict:
        """Return what polled prices are worth."""
        if at - self._asked_at > self._still:
            return RestVerdict.IDLE
        if self._failures >= USELESS_AFTER:
            return RestVerdict.UNUSABLE
        if self._moved_at is None:
            return RestVerdict.UNPROVEN
        return RestVerdict.LIVE if self.is_moving(at) else RestVerdict.STALE

    def is_moving(self, at: Micros) -> bool:
        """Whether polled prices are proved live: a canary changed lately and polls succeed."""
        if self._moved_at is None or self._failures >= USELESS_AFTER:
            return False
        return at - self._moved_at <= self._still
