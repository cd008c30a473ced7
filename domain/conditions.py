"""Whether prices and mode allow entries: what was said of them, by whoever judges them."""

from domain.market import minute_of
from domain.strategy import Mode
from domain.units import MINUTE, Micros


class Conditions:
    """What was said of the agent and of its prices; kept also while there is nothing to trade."""

    def __init__(self) -> None:
        self.mode = Mode.RECOVERING
        self.is_feed_lost = False
        self.is_blind = False
        self.is_polled = False
        self.lives_since = Micros(0)
        self.whole_from = Micros(0)
        # None: nobody has said anything of them yet.
        self._is_trusted: bool | None = None

    @property
    def may_enter(self) -> bool:
        """Whether the agent may enter and prices are good enough for it."""
        return self.mode is Mode.ACTIVE and self._is_trusted is True

    @property
    def are_bad(self) -> bool:
        """Whether prices were said to be too bad for an entry even to rest.

        Who says it has waited `feed.entry_linger_s`. Prices that stand still are not yet bad.
        """
        return self._is_trusted is False

    def trusted(self, *, entries: bool, is_blind: bool = False) -> None:
        """Take whether prices are good enough to enter on, and whether there are any at all."""
        self.is_blind = is_blind
        self._is_trusted = entries

    def feed_lost(self) -> None:
        """Prices stand still: none of them is fresh."""
        self.is_feed_lost = True

    def feed_restored(self, until: Micros, *, is_polled: bool = False) -> None:
        """Prices move again; the minutes missed until `until` have to come from history first."""
        self.is_feed_lost = False
        self.is_polled = is_polled
        self.lives_since = until
        self.needs(Micros(minute_of(until - 1) + MINUTE))

    def needs(self, settled: Micros) -> None:
        """Want every bar before this instant to be certain."""
        self.whole_from = max(self.whole_from, settled)
