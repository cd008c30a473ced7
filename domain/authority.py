"""Which source is authoritative, since when, and whether its prices have stopped."""

from dataclasses import dataclass

from domain.market import Source
from domain.units import Micros


@dataclass(frozen=True, slots=True)
class Outage:
    """Prices were missing from `since`, the last canary tick, to `until`."""

    since: Micros
    until: Micros


class Authority:
    """One source has the say. Mutable, owned by FeedActor."""

    def __init__(self, opens_at: Micros, at: Micros) -> None:
        self.source = Source.PRIMARY
        self.epoch = 0
        self.switches = 0
        self._opens_at = opens_at
        self._chosen_at = at
        self._lost_since: Micros | None = None

    @property
    def is_lost(self) -> bool:
        """Whether its prices are missing now."""
        return self._lost_since is not None

    def choose(self, source: Source, epoch: int, at: Micros) -> bool:
        """Give the say to a source; return whether it changed."""
        if source is self.source:
            return False
        self.switches += 1
        self.source = source
        self.epoch = epoch
        self._chosen_at = at
        return True

    def renew(self, epoch: int) -> None:
        """Note that the authoritative source was connected again."""
        self.epoch = epoch

    def rechosen(self, at: Micros) -> None:
        """Count silence from `at` at the earliest: nothing could be heard before."""
        self._chosen_at = at

    def silent_since(self, newest: Micros | None) -> Micros:
        """Return since when nothing was heard, given its newest canary tick."""
        return max(newest or Micros(0), self._chosen_at, self._opens_at)

    def lose(self, since: Micros) -> bool:
        """Note that prices are missing since then; return whether that is news."""
        is_news = not self.is_lost
        if self._lost_since is None or since < self._lost_since:
            self._lost_since = since
        return is_news

    def regain(self, at: Micros) -> Outage | None:
        """Note that a canary ticked; return the outage that is over, if there was one."""
        if self._lost_since is None:
            return None
        outage = Outage(min(self._lost_since, at), at)
        self._lost_since = None
        return outage
