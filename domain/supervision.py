"""What follows when an actor dies: how soon it is rebuilt, how often, and what comes after that.

Instants are machine time: a clock that is set neither hastens nor holds up a rebuild.
"""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from domain.units import Micros, seconds

ESCALATED = 70
"""The exit code that systemd answers with a restart: recovery is the well-tested path."""


class Beyond(Enum):
    """What happens to an actor that died more often than its intensity allows."""

    SLOWLY = auto()
    """It is rebuilt, after the longest wait."""

    QUARANTINE = auto()
    """It stays down for the day."""

    EXIT = auto()
    """The process ends and starts again through recovery."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """More than `deaths` in `window_s`: `beyond`. Waits double from `first_s` to `longest_s`."""

    deaths: int
    window_s: int
    beyond: Beyond
    first_s: float = 0
    longest_s: float = 10


RULES = {
    "feed": Rule(deaths=5, window_s=60, beyond=Beyond.SLOWLY, first_s=0.2),
    "bar": Rule(deaths=3, window_s=60, beyond=Beyond.QUARANTINE),
    "strategy": Rule(deaths=3, window_s=300, beyond=Beyond.SLOWLY),
    "reconcile": Rule(deaths=5, window_s=300, beyond=Beyond.SLOWLY),
    "journal": Rule(deaths=5, window_s=60, beyond=Beyond.SLOWLY),
    "alerts": Rule(deaths=5, window_s=60, beyond=Beyond.SLOWLY),
    "monitor": Rule(deaths=5, window_s=60, beyond=Beyond.SLOWLY),
    "lane": Rule(deaths=5, window_s=60, beyond=Beyond.EXIT),
    "order": Rule(deaths=0, window_s=1, beyond=Beyond.EXIT),
}
"""By the part of the address before a colon (`execution.md` section 12).

A lane's worker is replaced by its lane; only how often is judged here.
"""

OTHERS = RULES["monitor"]

JITTER = 0.25
"""A wait is longer by up to this part of it."""

MOST_STUCK = 3
"""So many threads of one address may hang; the next is built when one of them has ended."""

SPARES_ENTRIES = frozenset({"feed"})
"""Whose loss ends no entries by itself: prices are judged by what comes, and by the watchdog."""

DECIDES = frozenset({"strategy", "reconcile"})
"""Who wishes orders or judges the books: a message it never hears may be one about orders."""

FIRST = ("bar", "feed")
"""Who is rebuilt before the others that died with it: a new strategy asks them for the day."""


@dataclass(frozen=True, slots=True)
class Restart:
    """Rebuild it, not before this instant. `too_often`: it died more often than is borne."""

    due: Micros
    too_often: bool = False


@dataclass(frozen=True, slots=True)
class Quarantine:
    """Leave it down."""


@dataclass(frozen=True, slots=True)
class Exit:
    """End the process."""

    code: int


Verdict = Restart | Quarantine | Exit


class Supervision:
    """Counts deaths and remembers who is down. Mutable, owned by WatchdogActor."""

    def __init__(self, chance: random.Random) -> None:
        self.restarted: Counter[str] = Counter()
        """How often whom; all bars together."""
        self._chance = chance
        self._deaths: dict[str, tuple[Micros, ...]] = {}
        self._down: dict[str, Micros | None] = {}

    @property
    def restarts(self) -> int:
        """How many were rebuilt."""
        return self.restarted.total()

    def died(self, address: str, at: Micros) -> Verdict:
        """Take a death and return what follows."""
        rule = _rule_of(address)
        deaths = self._count(address, rule, at)
        too_often = deaths > rule.deaths
        if too_often and rule.beyond is not Beyond.SLOWLY:
            self._down[address] = None
            return Exit(ESCALATED) if rule.beyond is Beyond.EXIT else Quarantine()
        due = Micros(at + seconds(self._wait_s(rule, deaths)))
        self._down[address] = due
        return Restart(due, too_often)

    def replaced(self, address: str, at: Micros) -> Exit | None:
        """Take the death of who was replaced by its owner; return what follows if too many died."""
        rule = _rule_of(address)
        self.restarted[_kind(address)] += 1
        return Exit(ESCALATED) if self._count(address, rule, at) > rule.deaths else None

    def is_down(self, address: str) -> bool:
        """Whether its death is known and it was not rebuilt yet."""
        return address in self._down

    def is_given_up(self, address: str) -> bool:
        """Whether it stays down."""
        return self._down.get(address, Micros(0)) is None

    def due(self, at: Micros, is_held: Callable[[str], bool] = lambda _: False) -> tuple[str, ...]:
        """Return who is to be rebuilt now, in this order; they count as rebuilt.

        Who is held back waits on.
        """
        ready = [a for a, due in self._down.items() if due is not None and due <= at]
        ready = sorted((a for a in ready if not is_held(a)), key=_rank)
        for address in ready:
            del self._down[address]
            self.restarted[_kind(address)] += 1
        return tuple(ready)

    def _count(self, address: str, rule: Rule, at: Micros) -> int:
        since = at - seconds(rule.window_s)
        deaths = (*(death for death in self._deaths.get(address, ()) if death > since), at)
        self._deaths[address] = deaths
        return len(deaths)

    def _wait_s(self, rule: Rule, deaths: int) -> float:
        wait_s = rule.first_s * 2 ** (deaths - 1) if deaths <= rule.deaths else rule.longest_s
        wait_s = min(wait_s, rule.longest_s)
        return wait_s * (1 + JITTER * self._chance.random()) if rule.first_s else wait_s


def _rule_of(address: str) -> Rule:
    return RULES.get(_kind(address), OTHERS)


def _kind(address: str) -> str:
    return address.partition(":")[0]


def _rank(address: str) -> int:
    kind = _kind(address)
    return FIRST.index(kind) if kind in FIRST else len(FIRST)
