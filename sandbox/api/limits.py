"""How often one address may call one route: moving windows, as seen on OpenAlgo 2.0.2.1.

The broker behind it counts differently: all order writes of one calendar second together.
"""

from collections import deque

from domain.units import SECOND, Micros

ORDER_ROUTE_PER_S = 10
OTHER_ROUTE_PER_S = 50
BROKER_WRITES_PER_S = 10


class MovingWindows:
    """One window of a second per peer and route. A refused call leaves no mark."""

    def __init__(self) -> None:
        self._passed: dict[tuple[str, str], deque[Micros]] = {}

    def passes(self, at: Micros, peer: str, route: str, limit: int) -> bool:
        """Whether a call may pass; if so it is counted, whatever becomes of it."""
        window = self._passed.setdefault((peer, route), deque())
        while window and window[0] < at - SECOND:
            window.popleft()
        if len(window) >= limit:
            return False
        window.append(at)
        return True


class CalendarSecond:
    """The broker's own count of placements, modifications and cancels in a second of its clock."""

    def __init__(self) -> None:
        self._second = 0
        self._writes = 0

    def passes(self, at: Micros) -> bool:
        """Whether a write may pass; a refused one counts too."""
        if at // SECOND != self._second:
            self._second, self._writes = at // SECOND, 0
        self._writes += 1
        return self._writes <= BROKER_WRITES_PER_S
