"""REST polling: whom to ask and when; what the answers are worth is the ladder's to say."""

from collections.abc import Collection
from typing import NamedTuple

from domain.canaries import Canaries
from domain.contracts import Chain
from domain.market import Pair, Quote
from domain.params import FeedParams
from domain.rest_ladder import RestLadder
from domain.session import DayPlan
from domain.signs import RestVerdict
from domain.units import MINUTE, SECOND, Micros, Paise, Symbol, seconds

TIMEOUT = seconds(5)
USELESS_AFTER = 3
"""So many failures in a row make the source unusable."""

ROWS_EVERY = MINUTE
ROWS_PATIENCE = seconds(10)
"""How long the broker's bars are waited for before they are asked for again."""


class Near(NamedTuple):
    """So many strikes each way of where the index is, None before it was ever heard of."""

    spot: Paise | None
    strikes: int


def symbols_to_poll(
    index: Pair, chain: Chain | None, own: Collection[Symbol], near: Near
) -> tuple[Pair, ...]:
    """Return the index, our own symbols, the canaries and the strikes near the money, each once.

    The canaries stay those of the morning, the money is where the index is now.
    """
    contracts = chain.contracts if chain else ()
    atm = chain.atm if chain else Paise(0)
    spot = atm if near.spot is None else near.spot
    rows = sorted({c.strike for c in contracts}, key=lambda strike: (abs(strike - spot), strike))
    strikes = {atm, *(rows[: 2 * near.strikes + 1] if near.strikes else ())}
    wanted = [c for c in contracts if c.symbol in own]
    wanted += [c for c in contracts if c.strike in strikes]
    return tuple(dict.fromkeys([index, *((c.symbol, c.exchange) for c in wanted)]))


class Polling:
    """One poll at a time, and the verdict on what came. Mutable, owned by FeedActor.

    Due times are market time; how long an answer may take is machine time.
    """

    def __init__(self, params: FeedParams, plan: DayPlan, index: Pair) -> None:
        self.ladder = RestLadder(params, plan, index[0])
        self._index = index
        self._every = Micros(params.rest_poll_ms * (SECOND // 1000))
        self._still = seconds(params.rest_still_s)
        self._due = Micros(0)
        self._asked_at = Micros(0)
        self._out: tuple[Micros, Micros] | None = None
        self._failures = 0
        self._rows_asked_at = Micros(0)

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
            self.ladder.begin()
            self._rows_asked_at = Micros(0)
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

    def take(
        self, quotes: Collection[Quote], canaries: Canaries, at: Micros
    ) -> tuple[tuple[Quote, ...], bool]:
        """Take the quotes of a poll; return the sound ones and whether a canary's changed."""
        self._failures = 0
        sound = self.ladder.sift(quotes)
        has_moved = self.ladder.moved(sound, canaries.symbols, at)
        if canaries.has(self._index[0], at):
            self.ladder.compare(canaries.money, at)
        return sound, has_moved

    def rows_to_ask(self, canaries: Canaries, at: Micros, *, is_used: bool) -> tuple[Pair, ...]:
        """Return the canaries whose bars to read now: each minute while REST is used, or at once.

        The index while it counts and the nearest future; a call at the money if there is neither.
        """
        waited = at - self._rows_asked_at
        is_due = is_used and waited >= ROWS_EVERY
        if not is_due and not (self.ladder.is_suspicious() and waited >= ROWS_PATIENCE):
            return ()
        self._rows_asked_at = at
        return canaries.arbiters(at)

    def verdict(self, at: Micros) -> RestVerdict:
        """Return what polled prices are worth."""
        if at - self._asked_at > self._still:
            return RestVerdict.IDLE
        return RestVerdict.UNUSABLE if self._failures >= USELESS_AFTER else self.ladder.verdict(at)

    def is_moving(self, at: Micros) -> bool:
        """Whether polled prices are proved live: a canary changed lately and polls succeed."""
        return self.verdict(at) is RestVerdict.LIVE

    def jumped(self, at: Micros) -> None:
        """Ask as soon as ever: the clock was set to `at`."""
        self._due = min(self._due, at)
        self._asked_at = min(self._asked_at, at)
        self._rows_asked_at = min(self._rows_asked_at, at)
