"""Virtual time: where it stands, and what is to happen when. Nobody waits."""

import heapq
from collections.abc import Callable

from domain.units import Micros


class Timeline:
    """A clock moved by hand (`domain.clock.Source`) and a list of things to come.

    Things due at one instant happen in the order they were asked for. Market time and machine time
    are the same here.
    """

    def __init__(self, start: Micros) -> None:
        self._at = start
        self._n = 0
        self._heap: list[tuple[Micros, int, Callable[[], None]]] = []

    def now(self) -> Micros:
        return self._at

    def machine(self) -> Micros:
        return self._at

    def move(self, at: Micros) -> None:
        """Let time stand at `at`; it never goes back."""
        self._at = max(self._at, at)

    def later(self, at: Micros, action: Callable[[], None]) -> None:
        """Let something happen at `at`, or now if that has passed."""
        self._n += 1
        heapq.heappush(self._heap, (max(at, self._at), self._n, action))

    def next_at(self) -> Micros | None:
        """Return when the next thing happens, if any is to come."""
        return self._heap[0][0] if self._heap else None

    def take(self) -> Callable[[], None] | None:
        """Return the next thing that is due now, if one is."""
        if self._heap and self._heap[0][0] <= self._at:
            return heapq.heappop(self._heap)[2]
        return None
