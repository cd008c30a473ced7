"""The symbols by which a feed is judged, and when they ticked.

In session they move about every second, so silence of all of them is a dead feed; silence of one
strike is nothing. A socket that is connected, subscribed and answering pings proves nothing.
"""

from domain.contracts import Chain
from domain.market import Pair
from domain.session import DayPlan
from domain.units import SECOND, Day, Micros, Symbol

HOLE = Micros(5 * SECOND)
"""A source whose canaries were silent for longer starts proving itself again."""

PROOF_TICKS = 20

CASH_AUCTION_SINCE = Day("2026-08-03")
CASH_AUCTION_AT = "15:15"
"""From then on the spot index takes part in the cash market's closing auction (NSE 74/2026)."""


class Canaries:
    """The index, and once the chain is known the call and put at the money."""

    def __init__(self, plan: DayPlan, index: Pair) -> None:
        self._index, _ = index
        self._pair = index
        self._money: tuple[Pair, ...] = ()
        self._options: frozenset[Symbol] = frozenset()
        is_auctioned = plan.day >= CASH_AUCTION_SINCE
        self._spot_until = plan.at(CASH_AUCTION_AT) if is_auctioned else plan.close

    def choose(self, chain: Chain) -> None:
        """Take the options of the day into the set."""
        self._money = tuple((c.symbol, c.exchange) for c in chain.atm_pair())
        self._options = frozenset(self.money)

    @property
    def money(self) -> tuple[Symbol, ...]:
        """The call and the put at the money, as far as they are known."""
        return tuple(symbol for symbol, _ in self._money)

    def arbiters(self, at: Micros) -> tuple[Pair, ...]:
        """Whose bars tell how old the broker's prices are: the index's, while it counts."""
        return (self._pair,) if self.has(self._index, at) else self._money[:1]

    @property
    def symbols(self) -> frozenset[Symbol]:
        """All of them, whatever the time."""
        return self._options | {self._index}

    def has(self, symbol: Symbol, at: Micros) -> bool:
        """Whether a tick of this symbol proves that the feed lives."""
        if symbol == self._index:
            return at < self._spot_until or not self._options
        return symbol in self._options


class Beat:
    """When the canaries of one source ticked, `since` when without a hole.

    A reconnect does not make it forget.
    """

    def __init__(self) -> None:
        self.newest: Micros | None = None
        self.since = Micros(0)
        self._count = 0

    def tick(self, at: Micros) -> None:
        """Count a tick that arrived at `at`."""
        if self.newest is None or at - self.newest > HOLE:
            self.since = at
            self._count = 0
        self._count += 1
        self.newest = at

    @property
    def steady_since(self) -> Micros | None:
        """Since when they tick without a hole; None until there were enough of them."""
        return self.since if self._count >= PROOF_TICKS else None
