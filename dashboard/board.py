"""The newest status, for whoever shows it: one reference, replaced as a whole.

It outlives the days of a process that trades several; who sleeps between two shows that too.
"""

from domain import clock
from domain.status import Status
from domain.units import SECOND, Micros


class Board:
    """What the agent last said of itself. `show` and the reads may be in different threads."""

    def __init__(self) -> None:
        self._shown: tuple[Status, Micros] | None = None
        self._made_at = clock.machine()

    def show(self, status: Status) -> None:
        """Take the newest one. In the thread of who keeps it."""
        self._shown = (status, clock.machine())

    def look(self) -> tuple[Status, float] | None:
        """Return the newest status and how many real seconds ago it was shown. Any thread."""
        if self._shown is None:
            return None
        status, at = self._shown
        return status, _since(at)

    def age_s(self) -> float:
        """Return how many real seconds ago anything was shown, or this was made. Any thread."""
        return _since(self._shown[1] if self._shown is not None else self._made_at)


def _since(at: Micros) -> float:
    return max(0.0, (clock.machine() - at) / SECOND)
