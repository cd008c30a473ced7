"""Who answers from its own inbox: an actor that is alive and does not is stuck.

Instants are machine time. Between two looks at most `GAP` counts: a process that was stopped, or a
computer without breath, makes nobody stuck.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from domain.units import SECOND, Micros, seconds

GAP = seconds(2)

FIRST = seconds(120)
"""How long the first answer of a process may take: a start folds the journal and reads the day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How often an actor is asked, and after how long without an answer it is stuck."""

    every_s: int = 5
    silent_s: int = 15


MANY = Terms(every_s=30, silent_s=90)
"""For bar actors: there are dozens of them, and without a minute of one the day goes on."""


def terms_of(address: str) -> Terms:
    """Return the terms an actor is asked by."""
    return MANY if address.startswith("bar:") else Terms()


@dataclass(slots=True)
class _Member:
    """When it was met, asked, and which is the newest question it answered."""

    met: Micros
    is_rebuilt: bool
    asked: Micros | None = None
    answered: Micros | None = None


class Liveness:
    """Whom to ask, who answered, who is stuck. Mutable, in one thread."""

    def __init__(self, terms: Callable[[str], Terms] = terms_of) -> None:
        self._terms = terms
        self.asking = Micros(0)
        """What a question is told by now, and its answer after it: counted time, no clock's."""
        self._looked_at: Micros | None = None
        self._members: dict[str, _Member] = {}
        self._known: set[str] = set()

    def look(self, living: Iterable[str], machine: Micros) -> tuple[str, ...]:
        """Return whom of the living to ask now; the others are no longer expected to answer."""
        if self._looked_at is not None:
            self.asking = Micros(self.asking + min(max(0, machine - self._looked_at), GAP))
        self._looked_at = machine
        before, self._members = self._members, {}
        for address in living:
            new = _Member(self.asking, is_rebuilt=address in self._known)
            self._members[address] = before.get(address, new)
            self._known.add(address)
        due = tuple(a for a, member in self._members.items() if self._is_due(a, member))
        for address in due:
            self._members[address].asked = self.asking
        return due

    def hear(self, address: str, asked: Micros) -> None:
        """Take the answer to the question told at `asked`."""
        member = self._members.get(address)
        if member is not None:
            member.answered = max(asked, member.answered or Micros(0))

    def forget(self, address: str) -> None:
        """Expect nothing of an actor any more; the next of its name answers for itself."""
        self._members.pop(address, None)

    def stuck(self) -> tuple[str, ...]:
        """Return who has not answered for too long."""
        return tuple(a for a, member in self._members.items() if self._is_stuck(a, member))

    def age_s(self, address: str) -> float | None:
        """Return how many seconds ago an actor proved that it answers; None before it did."""
        member = self._members.get(address)
        if member is None or member.answered is None:
            return None
        return (self.asking - member.answered) / SECOND

    def _is_due(self, address: str, member: _Member) -> bool:
        every = seconds(self._terms(address).every_s)
        return member.asked is None or self.asking >= member.asked + every

    def _is_stuck(self, address: str, member: _Member) -> bool:
        if member.answered is None and not member.is_rebuilt:
            return self.asking - member.met >= FIRST
        since = member.met if member.answered is None else member.answered
        return self.asking - since >= seconds(self._terms(address).silent_s)


VITAL = ("order", "reconcile", "watchdog")
"""Whose answers feed the service manager's watchdog; the loss of prices never starves it."""

FED_WITHIN_S = 5


def is_fed(ages_s: Iterable[float | None], *, has_begun: bool) -> bool:
    """Whether the process may be called live: everybody vital answered within 5 s.

    Before all of them answered for the first time a start is under way, which is patient.
    """
    ages = tuple(ages_s)
    if not has_begun:
        return True
    return all(age is not None and age <= FED_WITHIN_S for age in ages)
