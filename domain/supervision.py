"""What follows when an actor dies: how soon it is rebuilt, how often, and what comes after that."""

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
    "monitor": Rule(deaths=5, window_s=60, beyond=Beyond.SLOWLY),
    "order": Rule(deaths=0, window_s=1, beyond=Beyond.EXIT),
}
"""By the part of the address before a colon (`execution.md` section 12)."""

OTHERS = RULES["monitor"]


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

    def __init__(self) -> None:
        self.restarts = 0
        self._deaths: dict[str, tuple[Micros, ...]] = {}
        self._down: dict[str, Micros | None] = {}

    def died(self, address: str, at: Micros) -> Verdict:
        """Take a death and return what follows."""
        rule = RULES.get(address.partition(":")[0], OTHERS)
        since = at - seconds(rule.window_s)
        deaths = (*(death for death in self._deaths.get(address, ()) if death > since), at)
        self._deaths[address] = deaths
        too_often = len(deaths) > rule.deaths
        if not too_often:
            wait_s = min(rule.first_s * 2 ** (len(deaths) - 1), rule.longest_s)
        elif rule.beyond is Beyond.SLOWLY:
            wait_s = rule.longest_s
        else:
            self._down[address] = None
            return Exit(ESCALATED) if rule.beyond is Beyond.EXIT else Quarantine()
        due = Micros(at + seconds(wait_s))
        self._down[address] = due
        return Restart(due, too_often)

    def is_down(self, address: str) -> bool:
        """Whether its death is known and it was not rebuilt yet."""
        return address in self._down

    def last_death(self, address: str) -> Micros:
        """Return when an actor died; it must have."""
        return self._deaths[address][-1]

    def due(self, at: Micros) -> tuple[str, ...]:
        """Return who is to be rebuilt now; they count as rebuilt."""
        ready = tuple(a for a, due in self._down.items() if due is not None and due <= at)
        for address in ready:
            del self._down[address]
        self.restarts += len(ready)
        return ready
