"""The fault script: which fault hits which connection, a function of script, seed and number.

`sandbox.md` 7. This file reads the document and decides; the shell executes, and records each
activation in ground truth with `Exchange.met`. Times are market time of the day being played.

What can be scripted is what stands in `PLACES`. At `ws:conn` a connection has a number, the first
of the day is 1, and every condition of `when` must hold:

| `when` | Holds |
|---|---|
| `between: ["11:00", "11:04"]` | from the first instant up to, not including, the second |
| `at: "11:00"` | for connections open at that instant, from then on |
| `nth: [1, 3]` | for the connections with these numbers |
| `probability: 0.3` | for that share of connections, drawn once for each |

`silent` sends nothing more but, with `pong: true`, answers to pings; `close` ends the connection
with its code, again and again if it comes back while the conditions hold; `refuse_connect` lets
nobody in.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from domain.errors import ConfigError
from domain.session import instant
from domain.units import Day, Micros
from sandbox.market.draws import Stream

CLOSE_CODES = (1006, 1011, 4401)
TOP = ("version", "random_seed", "faults")
FIELDS = ("id", "at", "when", "do")
CONDITIONS = ("between", "at", "nth", "probability")
_WALL = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?")
_ID = re.compile(r"[A-Za-z0-9_]{1,64}")


@dataclass(frozen=True, slots=True)
class When:
    """The conditions of a fault, all of which must hold; None and 1 hold always."""

    between: tuple[Micros, Micros] | None = None
    at: Micros | None = None
    nth: frozenset[int] | None = None
    probability: float = 1.0


@dataclass(frozen=True, slots=True)
class Fault:
    """One entry of the script. `pong` belongs to `silent`, `code` to `close`."""

    id: str
    place: str
    verb: str
    when: When = When()
    pong: bool = True
    code: int = 1006


@dataclass(frozen=True, slots=True)
class Connection:
    """A stream connection as the script sees it: its number of the day and when it was opened."""

    number: int
    opened_at: Micros


@dataclass(frozen=True, slots=True)
class Script:
    """A whole fault script. Without faults it never hits anything."""

    faults: tuple[Fault, ...] = ()
    random_seed: int = 0

    @property
    def instants(self) -> tuple[Micros, ...]:
        """Every instant at which something may begin or end, ascending: when to look again."""
        found: set[Micros] = set()
        for fault in self.faults:
            found.update(fault.when.between or ())
            if fault.when.at is not None:
                found.add(fault.when.at)
        return tuple(sorted(found))

    def refusing(self, at: Micros, number: int) -> Fault | None:
        """Return the fault that keeps connection `number` out, or None."""
        newcomer = Connection(number, at)
        hits = (f for f in self._hitting(at, newcomer) if f.verb == "refuse_connect")
        return next(hits, None)

    def closing(self, at: Micros, connection: Connection) -> Fault | None:
        """Return the fault that ends an open connection now, or None."""
        return next((f for f in self._hitting(at, connection) if f.verb == "close"), None)

    def muting(self, at: Micros, connection: Connection) -> Fault | None:
        """Return the fault that keeps an open connection silent now, the strictest, or None."""
        hits = [f for f in self._hitting(at, connection) if f.verb == "silent"]
        return min(hits, key=lambda fault: fault.pong, default=None)

    def _hitting(self, at: Micros, connection: Connection) -> Iterator[Fault]:
        return (fault for fault in self.faults if self._hits(fault, at, connection))

    def _hits(self, fault: Fault, at: Micros, connection: Connection) -> bool:
        when = fault.when
        if when.between is not None and not when.between[0] <= at < when.between[1]:
            return False
        if when.at is not None and not connection.opened_at <= when.at <= at:
            return False
        if when.nth is not None and connection.number not in when.nth:
            return False
        if when.probability >= 1:
            return True
        drawn = Stream(self.random_seed, f"fault:{fault.id}").unit(connection.number)
        return drawn < when.probability


def read(document: object, day: Day, random_seed: int = 0) -> Script:
    """Read a script from the mapping its YAML gave; `random_seed` is used where it names none.

    Raises ConfigError with a line for each problem: the fault's id, the key, the value, what is
    allowed.
    """
    reader = _Reader(day)
    script = reader.script(document, random_seed)
    if reader.problems:
        raise ConfigError(*reader.problems)
    return script


@dataclass(slots=True)
class _Reader:
    """Collects every problem of a document before anything is refused."""

    day: Day
    problems: list[str] = field(default_factory=list)

    def script(self, document: object, random_seed: int) -> Script:
        if not isinstance(document, Mapping):
            self._bad("faults", "", document, f"a mapping of {', '.join(TOP)}")
            return Script()
        self._closed("faults", "", document, TOP)
        if document.get("version") != 1:
            self._bad("faults", "version", document.get("version"), "1")
        drawn = document.get("random_seed", random_seed)
        if not _is_count(drawn, least=0):
            self._bad("faults", "random_seed", drawn, "a whole number from 0 up")
        entries = document.get("faults", [])
        if not isinstance(entries, list):
            self._bad("faults", "faults", entries, "a list of faults")
            entries = []
        faults = [self._fault(number, entry) for number, entry in enumerate(entries, 1)]
        self._unique(faults)
        return Script(faults=tuple(faults), random_seed=drawn if isinstance(drawn, int) else 0)

    def _fault(self, number: int, entry: object) -> Fault:
        name = f"fault {number}"
        if not isinstance(entry, Mapping):
            self._bad(name, "", entry, f"a mapping of {', '.join(FIELDS)}")
            return Fault(name, "", "")
        found = entry.get("id")
        if isinstance(found, str) and _ID.fullmatch(found):
            name = found
        else:
            self._bad(name, "id", found, "1 to 64 letters, digits and _")
        self._closed(name, "", entry, FIELDS)
        place = entry.get("at")
        if place not in PLACES:
            self._bad(name, "at", place, " or ".join(PLACES))
            return Fault(name, "", "")
        when = self._when(name, entry.get("when", {}))
        return self._do(Fault(name, str(place), "", when), entry.get("do"))

    def _do(self, fault: Fault, do: object) -> Fault:
        verbs = PLACES[fault.place]
        if not isinstance(do, Mapping) or len(do) != 1:
            self._bad(fault.id, "do", do, f"one of {', '.join(verbs)} with its settings")
            return fault
        ((verb, settings),) = do.items()
        if verb not in verbs:
            self._bad(fault.id, "do", verb, f"{', '.join(verbs)} (at {fault.place})", "verb ")
            return fault
        settings = {} if settings is None else settings
        if not isinstance(settings, Mapping):
            self._bad(fault.id, f"do.{verb}", settings, "a mapping of settings, or nothing")
            return fault
        return verbs[verb](self, fault, settings)

    def _silent(self, fault: Fault, settings: Mapping[str, Any]) -> Fault:
        self._closed(fault.id, "do.silent", settings, ("pong",))
        pong = settings.get("pong", True)
        if not isinstance(pong, bool):
            self._bad(fault.id, "do.silent.pong", pong, "true or false")
        return Fault(fault.id, fault.place, "silent", fault.when, pong=bool(pong))

    def _close(self, fault: Fault, settings: Mapping[str, Any]) -> Fault:
        self._closed(fault.id, "do.close", settings, ("code",))
        code = settings.get("code", CLOSE_CODES[0])
        if code not in CLOSE_CODES:
            self._bad(fault.id, "do.close.code", code, ", ".join(map(str, CLOSE_CODES)))
            code = CLOSE_CODES[0]
        return Fault(fault.id, fault.place, "close", fault.when, code=code)

    def _refuse(self, fault: Fault, settings: Mapping[str, Any]) -> Fault:
        self._closed(fault.id, "do.refuse_connect", settings, ())
        if fault.when.at is not None:
            self._bad(fault.id, "when.at", "of refuse_connect", "a window: between")
        return Fault(fault.id, fault.place, "refuse_connect", fault.when)

    def _when(self, name: str, when: object) -> When:
        if not isinstance(when, Mapping):
            self._bad(name, "when", when, f"a mapping of {', '.join(CONDITIONS)}")
            return When()
        self._closed(name, "when", when, CONDITIONS)
        return When(
            between=self._between(name, when.get("between")),
            at=self._wall(name, "when.at", when.get("at")),
            nth=self._nth(name, when.get("nth")),
            probability=self._probability(name, when.get("probability", 1.0)),
        )

    def _between(self, name: str, value: object) -> tuple[Micros, Micros] | None:
        if value is None:
            return None
        if not isinstance(value, list) or len(value) != 2:
            self._bad(name, "when.between", value, 'two times such as ["11:00", "11:04"]')
            return None
        begin, end = (self._wall(name, "when.between", wall) for wall in value)
        if begin is None or end is None:
            return None
        if begin >= end:
            self._bad(name, "when.between", value, "a window that ends after it begins")
        return begin, end

    def _wall(self, name: str, key: str, value: object) -> Micros | None:
        if value is None and key == "when.at":
            return None
        if not isinstance(value, str) or not _WALL.fullmatch(value):
            self._bad(name, key, value, 'a time in quotes, "HH:MM" or "HH:MM:SS"')
            return None
        return instant(self.day, value)

    def _nth(self, name: str, value: object) -> frozenset[int] | None:
        if value is None:
            return None
        if not isinstance(value, list) or not value or not all(map(_is_count, value)):
            self._bad(name, "when.nth", value, "a list of whole numbers from 1 up")
            return None
        return frozenset(value)

    def _probability(self, name: str, value: object) -> float:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not 0 <= value <= 1:  # type: ignore[operator]  # a number by now
            self._bad(name, "when.probability", value, "a number from 0 to 1")
            return 1.0
        return float(value)  # type: ignore[arg-type]  # as above

    def _unique(self, faults: list[Fault]) -> None:
        names = [fault.id for fault in faults]
        for name in sorted({name for name in names if names.count(name) > 1}):
            self._bad(name, "id", name, "an id of its own, it is used twice")

    def _closed(
        self, name: str, key: str, found: Mapping[Any, Any], allowed: tuple[str, ...]
    ) -> None:
        for extra in sorted(map(str, set(found) - set(allowed))):
            where = f"{key}.{extra}" if key else extra
            self.problems.append(
                f"faults: {name}: unknown key {where}; allowed is {', '.join(allowed) or 'none'}"
            )

    def _bad(self, name: str, key: str, value: object, allowed: str, what: str = "") -> None:
        where = f"{key}: " if key else ""
        self.problems.append(
            f"faults: {name}: {where}{what}{value!r} is not allowed; allowed is {allowed}"
        )


def _is_count(value: object, least: int = 1) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


_Verb = Callable[[_Reader, Fault, Mapping[str, Any]], Fault]
PLACES: dict[str, dict[str, _Verb]] = {
    "ws:conn": {
        "silent": _Reader._silent,  # noqa: SLF001 - one table names the verbs and their readers
        "close": _Reader._close,  # noqa: SLF001 - as above
        "refuse_connect": _Reader._refuse,  # noqa: SLF001 - as above
    },
}
"""Where a fault can hit, and what it can do there."""
