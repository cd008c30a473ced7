"""The agent's clock in the orders drill: now and then it is an hour off for a while.

The exchange keeps its own time. What the agent wrote down meanwhile is put back into that time
before it is judged.
"""

from collections.abc import Callable
from typing import Any

from domain.units import MINUTE, Micros
from research import order_tape as tapes
from research.timeline import Timeline

HOUR = Micros(60 * MINUTE)
FAR = HOUR // 2
"""No session is as long: what is further from its begin was written by a clock that was off."""


class AgentClock(Timeline):
    """The world's timeline as somebody sees it whose wall clock is off."""

    def __init__(self, world: Timeline) -> None:
        super().__init__(world.now())
        self._world = world
        self.off = Micros(0)
        """How far the clock is ahead now, or behind."""

    def now(self) -> Micros:
        """Return what the wall clock says."""
        return Micros(self._world.now() + self.off)

    def machine(self) -> Micros:
        """Return what the steady clock says: it is never set."""
        return self._world.machine()

    def later(self, at: Micros, action: Callable[[], None]) -> None:
        """Let something happen as many seconds from now as the wall clock says it is until then."""
        self._world.later(Micros(at - self.off), action)


def in_true_time(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows of the journal with the instants at which they were truly written."""
    return [row | {"at": _true(row["at"])} for row in rows]


def _true(at: Micros) -> Micros:
    away = at - tapes.begin()
    if abs(away) <= FAR:
        return at
    return Micros(at - HOUR if away > 0 else at + HOUR)
