"""Reading a fault script. Nothing is used of one that has a problem, and every problem is told."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from domain.errors import ConfigError
from domain.units import Day
from sandbox.faults.places import CONDITIONS, PLACES, SPELLED, Entry, conditions
from sandbox.faults.script import Fault, Script, When
from sandbox.faults.universe import SUBSCRIBED
from sandbox.faults.verbs import RefuseConnect, concerned
from sandbox.faults.words import NotAllowed, Read, is_whole, listed

TOP = ("version", "random_seed", "faults")
FIELDS = ("id", "at", "when", "do")
NEVER_USED = RefuseConnect()
"""Stands in where a verb could not be read; the script is refused anyway."""

_ID = re.compile(r"[A-Za-z0-9_]{1,64}")
_APART = (
    ("at", "after"),
    ("seconds", "lognormal_s"),
    ("first_minutes", "stretch"),
    ("points", "pct"),
)
"""Pairs of which a script may say one."""


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
            self._bad("faults", "", document, f"a mapping of {listed(TOP)}")
            return Script()
        self._closed("faults", "", document, TOP)
        if document.get("version") != 1:
            self._bad("faults", "version", document.get("version"), "1")
        drawn = document.get("random_seed", random_seed)
        if not is_whole(drawn, least=0):
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
            self._bad(name, "", entry, f"a mapping of {listed(FIELDS)}")
            return Fault(name, "", NEVER_USED)
        found = entry.get("id")
        if isinstance(found, str) and _ID.fullmatch(found):
            name = found
        else:
            self._bad(name, "id", found, "1 to 64 letters, digits and _")
        self._closed(name, "", entry, FIELDS)
        place = entry.get("at")
        if not isinstance(place, str) or place not in PLACES:
            self._bad(name, "at", place, SPELLED)
            return Fault(name, "", NEVER_USED)
        when = self._when(name, place, entry.get("when", {}))
        return self._do(Fault(name, place, NEVER_USED, when), entry.get("do"))

    def _do(self, fault: Fault, do: object) -> Fault:
        verbs = PLACES[fault.place]
        if not isinstance(do, Mapping) or len(do) != 1:
            self._bad(fault.id, "do", do, f"one of {listed(verbs)} with its settings")
            return fault
        ((verb, settings),) = do.items()
        if verb not in verbs:
            self._bad(fault.id, "do", verb, f"{listed(verbs)} (at {fault.place})", "verb ")
            return fault
        settings = {} if settings is None else settings
        if not isinstance(settings, Mapping):
            self._bad(fault.id, f"do.{verb}", settings, "a mapping of settings, or nothing")
            return fault
        entry = verbs[verb]
        given = self._values(fault.id, f"do.{verb}", settings, entry.settings)
        fault = Fault(fault.id, fault.place, entry.verb(**given), fault.when)
        self._fits(fault, entry)
        return fault

    def _fits(self, fault: Fault, entry: Entry) -> None:
        """Check what only place, verb and conditions together can show."""
        for name in entry.without:
            if getattr(fault.when, name) is not None:
                self._bad(fault.id, f"when.{name}", f"of {fault.verb}", "a window: between")
        if entry.timed and not (fault.when.between or fault.when.is_instant):
            self._bad(fault.id, "when", f"of {fault.verb}", "a time: between, at or after")
        chosen = concerned(fault.do)
        if not fault.place.startswith("ws:"):
            for word in chosen:
                if word.startswith(SUBSCRIBED):
                    self._bad(fault.id, "symbols", word, "a choice that needs no connection")
        if "traded" in chosen and fault.when.after is None:
            self._bad(fault.id, "symbols", "traded", "traded only with when.after")

    def _when(self, name: str, place: str, when: object) -> When:
        allowed = conditions(place)
        if not isinstance(when, Mapping):
            self._bad(name, "when", when, f"a mapping of {listed(allowed)}")
            return When()
        known = {key: CONDITIONS[key] for key in allowed}
        read = When(**self._values(name, "when", when, known))
        if read.for_s is not None and not read.is_instant:
            self._bad(name, "when.for_s", when.get("for_s"), "for_s only with at or after")
        return read

    def _values(
        self, name: str, key: str, found: Mapping[Any, Any], readers: Mapping[str, Read]
    ) -> dict[str, Any]:
        """Return the values that could be read, by their names."""
        self._closed(name, key, found, tuple(readers))
        for one, other in _APART:
            if found.get(one) is not None and found.get(other) is not None:
                self._bad(name, key, f"{one} and {other}", "one of the two")
        values: dict[str, Any] = {}
        for setting, read in readers.items():
            value = found.get(setting)
            if value is None:
                continue
            try:
                values[setting] = read(value, self.day)
            except NotAllowed as refusal:
                told = value if refusal.value is None else refusal.value
                self._bad(name, f"{key}.{setting}", told, refusal.allowed)
        return values

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
                f"faults: {name}: unknown key {where}; allowed is {listed(allowed) or 'none'}"
            )

    def _bad(self, name: str, key: str, value: object, allowed: str, what: str = "") -> None:
        where = f"{key}: " if key else ""
        self.problems.append(
            f"faults: {name}: {where}{what}{value!r} is not allowed; allowed is {allowed}"
        )
