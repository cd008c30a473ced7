"""What goes wrong inside the process in a drilled session: kills, deaths, lost and late messages.

Drawn from the session's own streams. After `until` nothing new goes wrong.
"""

import random
from collections import Counter
from dataclasses import dataclass, field

from domain import clock
from domain.units import Micros, seconds

DEATHS = 4
"""How often the reader dies at most: once more in five minutes, and it comes back only slowly."""


class Killed(BaseException):
    """The process ends here, as by kill -9: no handler runs, nobody says a last word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What may go wrong in one session; chances are per occasion.

    `kills` are numbers of boundaries (commits, sends, answers), counted through all lives of the
    process. `full` are spans in which no commit succeeds, `parks` when the process is told to end,
    `steps` how far its clock is off from when on.
    """

    until: Micros
    kills: tuple[int, ...] = ()
    lost_worker: float = 0.0
    late: float = 0.0
    reader_dies: float = 0.0
    full: tuple[tuple[Micros, Micros], ...] = ()
    parks: tuple[Micros, ...] = ()
    steps: tuple[tuple[Micros, Micros], ...] = ()


@dataclass(slots=True)
class Mischief:
    """Does what the plan says, and counts it. One for a session, through all its lives."""

    plan: Plan
    draw: random.Random
    met: Counter[str] = field(default_factory=Counter)
    boundaries: int = 0

    @property
    def is_over(self) -> bool:
        """Whether nothing new goes wrong any more."""
        return clock.machine() >= self.plan.until

    def boundary(self, name: str) -> None:
        """Pass a boundary between memory, disk and wire. Raises Killed where the plan says so."""
        self.boundaries += 1
        if self.boundaries in self.plan.kills and not self.is_over:
            self.met["kill"] += 1
            self.met[f"kill:{name}"] += 1
            raise Killed(name)

    def loses_worker(self) -> bool:
        """Whether the worker that carries a write dies with its answer."""
        return self._happens("lost_worker", self.plan.lost_worker)

    def lateness(self) -> Micros:
        """Return how late an answer is told to the actor it is for."""
        if self._happens("late_message", self.plan.late):
            return seconds(self.draw.choice((0.2, 1.0, 3.0)))
        return Micros(0)

    def reader_dies(self) -> bool:
        """Whether the reconciling actor dies in this second."""
        if self.met["reader_dies"] >= DEATHS:
            return False
        return self._happens("reader_dies", self.plan.reader_dies)

    def is_full(self) -> bool:
        """Whether the disk takes no commit now."""
        at = clock.machine()
        if any(begin <= at < end for begin, end in self.plan.full):
            self.met["disk_full"] += 1
            return True
        return False

    def _happens(self, name: str, chance: float) -> bool:
        if not chance or self.is_over or self.draw.random() >= chance:
            return False
        self.met[name] += 1
        return True
