"""When time is told to whom: every whole second to most, every few seconds to the many."""

from domain.units import SECOND, Micros, seconds

BAR_EVERY = seconds(15)
"""How often bar actors hear the time: often enough to close a minute soon after its grace."""


BACK = seconds(2)
"""A clock may be corrected so far back without a second being told twice."""

PULSED = ("order", "reconcile", "feed", "strategy", "watchdog", "journal", "monitor", "alerts")
"""Who hears every second, in this order; bar actors ("bar:...") hear less often."""


class PulsePlan:
    """Chooses the seconds to be told. When the teller is late, only the newest second counts."""

    def __init__(self, grace_ms: int) -> None:
        self._shift = grace_ms * 1000
        self._told = Micros(0)
        self._bars = 0

    def next_after(self, at: Micros) -> Micros:
        """Return the first whole second after `at`."""
        return Micros((at // SECOND + 1) * SECOND)

    def due(self, at: Micros) -> Micros | None:
        """Return the newest whole second up to `at` that was not told yet.

        After the clock was set back time is told by it at once, not when it has caught up.
        """
        second = Micros(at // SECOND * SECOND)
        if self._told - BACK <= second <= self._told:
            return None
        self._told = second
        return second

    def due_to_bars(self, second: Micros) -> bool:
        """Return whether bar actors should hear this second: the first past each grace."""
        slot = (second - self._shift) // BAR_EVERY
        if slot == self._bars:
            return False
        self._bars = slot
        return True
