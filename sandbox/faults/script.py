"""A fault script as a value, and when each of its faults holds: a function of time and number.

Pure: who was hit and what came of it is kept by `force.py`.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from domain.units import Micros, Symbol, seconds
from sandbox.faults.verbs import NAMES, Verb
from sandbox.kinds import Change, OrderOut, Origin, Out
from sandbox.market.draws import Stream

EVENTS: dict[str, Change] = {
    "order": Change.NEW,
    "trigger": Change.TRIGGERED,
    "fill": Change.FILL,
    "cancel": Change.CANCELLED,
}
"""What `when.after` may name, and the change of an order that it means."""

ALWAYS = Micros(0)
"""Since when a fault without times holds."""

PRIMARY = "primary"


@dataclass(frozen=True, slots=True)
class When:
    """The conditions of a fault, all of which must hold; None and 1 hold always.

    `for_s` ends what began at `at` or `after`.
    """

    between: tuple[Micros, Micros] | None = None
    at: Micros | None = None
    after: str | None = None
    for_s: float | None = None
    nth: frozenset[int] | None = None
    probability: float = 1.0
    source: frozenset[str] | None = None
    action: str | None = None

    @property
    def is_instant(self) -> bool:
        """Whether it begins at an instant, for those who are there then."""
        return self.at is not None or self.after is not None

    @property
    def instants(self) -> tuple[Micros, ...]:
        """Every known instant at which it begins or ends."""
        found = list(self.between or ())
        if self.at is not None:
            found.append(self.at)
            if self.for_s is not None:
                found.append(Micros(self.at + seconds(self.for_s)))
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Fault:
    """One entry of the script."""

    id: str
    place: str
    do: Verb
    when: When = When()

    @property
    def verb(self) -> str:
        """What it does, in the script's word."""
        return NAMES[type(self.do)]

    def shown(self) -> dict[str, Any]:
        """Return it for a reader: id, place, verb, conditions and settings."""
        when = {
            name: sorted(value) if isinstance(value, frozenset) else value
            for name, value in asdict(self.when).items()
        }
        return {"id": self.id, "place": self.place, "verb": self.verb, "when": when} | asdict(
            self.do
        )


@dataclass(frozen=True, slots=True)
class Connection:
    """A stream connection as the script sees it: its number of the day and when it was opened."""

    number: int
    opened_at: Micros
    source: str = PRIMARY


@dataclass(slots=True)
class Past:
    """What happened to the agent's orders so far, as far as faults ask for it."""

    _events: dict[str, list[Micros]] = field(default_factory=dict)
    _symbols: dict[tuple[str, Micros], set[Symbol]] = field(default_factory=dict)

    def add(self, outs: Iterable[Out]) -> None:
        """Take what the exchange put out, in order of time."""
        for out in outs:
            if isinstance(out, OrderOut) and out.order.origin is Origin.AGENT:
                for word, change in EVENTS.items():
                    if out.change is change:
                        self._events.setdefault(word, []).append(out.at)
                        symbols = self._symbols.setdefault((word, out.at), set())
                        symbols.add(out.order.symbol)

    def latest(self, word: str, at: Micros) -> Micros | None:
        """Return the last instant up to `at` at which something happened."""
        events = self._events.get(word, [])
        place = bisect_right(events, at)
        return events[place - 1] if place else None

    def symbols(self, word: str, at: Micros) -> frozenset[Symbol]:
        """Return whose orders it happened to at exactly this instant."""
        return frozenset(self._symbols.get((word, at), ()))


@dataclass(frozen=True, slots=True)
class Script:
    """A whole fault script. Without faults it never hits anything."""

    faults: tuple[Fault, ...] = ()
    random_seed: int = 0

    @property
    def instants(self) -> tuple[Micros, ...]:
        """Every instant at which something may begin or end, ascending: when to look again."""
        return tuple(sorted({i for fault in self.faults for i in fault.when.instants}))

    def draws(self, fault: Fault, key: str = "") -> Stream:
        """Return the draws of one fault, shared with no other."""
        return Stream(self.random_seed, f"fault:{fault.id}", key)


def began(when: When, at: Micros, past: Past) -> Micros | None:
    """Return since when the times of a fault hold at `at`; None if they do not.

    ALWAYS if it names no times.
    """
    since = ALWAYS
    if when.between is not None:
        since, end = when.between
        if not since <= at < end:
            return None
    if not when.is_instant:
        return since
    instant = when.at if when.after is None else past.latest(when.after, at)
    if instant is None or not since <= instant <= at:
        return None
    is_over = when.for_s is not None and at >= instant + seconds(when.for_s)
    return None if is_over else instant
