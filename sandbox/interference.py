"""Does to the stream connections what the fault script decided, and has it written down.

The script is a pure function (`faults.py`); here it is asked at every step of the market.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Protocol

from domain.units import Micros
from sandbox.exchange import Exchange
from sandbox.faults import Connection as Known
from sandbox.faults import Fault, Script

PLACE = "ws:conn"


class Connection(Protocol):
    """One client's connection, with the levers of a fault; hashable."""

    is_mute: bool

    def deafen(self, *, deaf: bool) -> None:
        """Stop answering, or answer again."""

    def end(self, code: int, reason: str) -> None:
        """Close from the server's side; must not block."""


class Interference:
    """The faults in force. A fault is recorded once for each connection it hits."""

    def __init__(self, exchange: Exchange, script: Script) -> None:
        self._exchange = exchange
        self.script = script
        self.counts: Counter[str] = Counter()
        self._known: dict[Connection, Known] = {}
        self._opened = 0
        self._met: set[tuple[str, int]] = set()

    def refuses(self, at: Micros) -> bool:
        """Whether the next connection of the day is kept out; it has its number either way."""
        self._opened += 1
        fault = self.script.refusing(at, self._opened)
        if fault is not None:
            self._record(at, fault, self._opened)
        return fault is not None

    def opened(self, at: Micros, connection: Connection) -> None:
        """Know a connection that was let in."""
        self._known[connection] = Known(self._opened, at)
        self.step(at)

    def closed(self, connection: Connection) -> None:
        """Forget a connection."""
        self._known.pop(connection, None)

    def step(self, at: Micros) -> None:
        """Mute, let speak again or close the connections as the script says for this instant."""
        if not self.script.faults:
            return
        for connection, known in tuple(self._known.items()):
            muting = self.script.muting(at, known)
            connection.is_mute = muting is not None
            connection.deafen(deaf=muting is not None and not muting.pong)
            if muting is not None:
                self._record(at, muting, known.number)
            if closing := self.script.closing(at, known):
                self._record(at, closing, known.number)
                self._close(connection, closing)

    def add(self, faults: Iterable[Fault]) -> None:
        """Put further faults into force."""
        self.script = replace(self.script, faults=(*self.script.faults, *faults))

    def remove(self, ids: Iterable[str]) -> None:
        """Take faults out of force; what they muted speaks again."""
        gone = set(ids)
        kept = tuple(fault for fault in self.script.faults if fault.id not in gone)
        self.script = replace(self.script, faults=kept)
        for connection in self._known:
            connection.is_mute = False
            connection.deafen(deaf=False)

    def _close(self, connection: Connection, fault: Fault) -> None:
        self.closed(connection)
        connection.end(fault.code, "closed by the server")

    def _record(self, at: Micros, fault: Fault, number: int) -> None:
        if (fault.id, number) not in self._met:
            self._met.add((fault.id, number))
            self.counts[fault.id] += 1
            self._exchange.met(at, fault.id, fault.verb, f"{PLACE}:{number}")
