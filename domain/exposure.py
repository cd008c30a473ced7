"""Whether money is exposed right now, and when an order of ours last moved."""

from domain.orders import Order, Purpose
from domain.positions import Leg, Phase
from domain.units import Micros


class Exposure:
    """Fold order and position facts. Mutable, owned by WatchdogActor."""

    def __init__(self) -> None:
        self.order_at: Micros | None = None
        self._entries: set[str] = set()
        self._legs: set[str] = set()

    def order(self, order: Order, at: Micros) -> None:
        """Take a changed order."""
        self.order_at = at
        self._entries.discard(order.intent)
        if order.purpose is Purpose.ENTRY and order.is_live:
            self._entries.add(order.intent)

    def leg(self, leg: Leg, at: Micros) -> None:
        """Take a changed leg."""
        self.order_at = at
        self._legs.discard(leg.leg)
        if leg.phase is not Phase.DONE:
            self._legs.add(leg.leg)

    @property
    def positions(self) -> int:
        """How many legs are open."""
        return len(self._legs)

    @property
    def is_exposed(self) -> bool:
        """Whether a position or an entry order is live."""
        return bool(self._legs or self._entries)
