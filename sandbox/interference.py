"""Does to the stream connections what the fault script decided, and has it written down.

The script is pure (`sandbox/faults`); here it is asked at every step of the market.
"""

from collections import Counter
from collections.abc import Iterable
from enum import Enum, auto
from typing import NamedTuple, Protocol

from domain.units import Micros, seconds
from sandbox.exchange import Exchange
from sandbox.faults.acts import Acts
from sandbox.faults.answers import Ills, Misfortune
from sandbox.faults.force import Force
from sandbox.faults.script import PRIMARY, Fault, Script
from sandbox.faults.script import Connection as Known
from sandbox.faults.verbs import (
    Close,
    CloseLoop,
    HalfOpen,
    RefuseConnect,
    Reset,
    Silent,
)
from sandbox.faults.wire import CONN, Session, Wire
from sandbox.kinds import Out
from sandbox.stream import StreamSession

SERVER_CLOSED = "closed by the server"


class Connection(Protocol):
    """One client's connection, with the levers of a fault; hashable. No lever may block."""

    def deafen(self, *, deaf: bool) -> None:
        """Stop answering, or answer again."""

    def end(self, code: int, reason: str) -> None:
        """Close from the server's side."""

    def reset(self) -> None:
        """End with a TCP reset."""

    def hang(self) -> None:
        """Take and give nothing any more, for ever."""


class Door(Enum):
    """What a newcomer meets."""

    OPEN = auto()
    REFUSED = auto()
    HUNG = auto()
    """Somebody takes the connection and never says a word."""


class Newcomer(NamedTuple):
    """A connection about to be opened: its number of the day, and what it meets."""

    known: Known
    door: Door


class Interference:
    """The faults in force on one exchange. One thread at a time."""

    def __init__(self, exchange: Exchange, script: Script) -> None:
        self._force = Force(exchange, script)
        self._acts = Acts(self._force)
        self._misfortune = Misfortune(self._force, self._acts)
        self._known: dict[Connection, Known] = {}
        self._opened = 0

    @property
    def script(self) -> Script:
        """The faults in force."""
        return self._force.script

    @property
    def counts(self) -> Counter[str]:
        """How often each fault was met."""
        return self._force.counts

    def befall(self, at: Micros, route: str, is_write: bool, body: bytes) -> Ills:
        """Return what befalls a REST call."""
        return self._misfortune.of(at, route, body, is_write=is_write)

    def saw(self, outs: Iterable[Out]) -> None:
        """Take what the exchange put out, before anybody is told."""
        self._force.saw(outs)

    def knocks(self, at: Micros, source: str = PRIMARY) -> Newcomer:
        """Number a connection and say whether it is let in; it has its number either way."""
        self._opened += 1
        known = Known(self._opened, at, source)
        for fault, since in self._force.for_connection(CONN, at, known):
            door = _door(fault)
            if door is not Door.OPEN:
                self._met(at, fault, since, known)
                return Newcomer(known, door)
        return Newcomer(known, Door.OPEN)

    def wire(self, session: StreamSession, known: Known) -> Wire:
        """Return what lies between the exchange and this client."""
        wire = Wire(Session(session.market, session.order), self._force, known)
        session.subscribed = wire.subscribed
        return wire

    def opened(self, at: Micros, connection: Connection, known: Known) -> tuple[Micros, ...]:
        """Know a connection that was let in. Returns when it will have to be looked at again."""
        self._known[connection] = known
        self.step(at)
        return tuple(
            _due(fault.do, fault, known)
            for fault in self._force.at(CONN)
            if isinstance(fault.do, CloseLoop)
        )

    def closed(self, connection: Connection) -> None:
        """Forget a connection."""
        self._known.pop(connection, None)

    def step(self, at: Micros) -> None:
        """Do to the connections what the script says for this instant."""
        if self._acts.is_idle:
            return
        self._force.step(at)
        self._acts.step(at)
        for connection, known in tuple(self._known.items()):
            self._disturb(at, connection, known)

    def add(self, faults: Iterable[Fault]) -> None:
        """Put further faults into force."""
        self._force.add(faults)

    def remove(self, ids: Iterable[str]) -> None:
        """Take faults out of force; what they muted speaks again, what hangs hangs for ever."""
        self._force.remove(set(ids))
        for connection in self._known:
            connection.deafen(deaf=False)

    def _disturb(self, at: Micros, connection: Connection, known: Known) -> None:
        is_deaf = False
        for fault, since in self._force.for_connection(CONN, at, known):
            if isinstance(fault.do, Silent):
                is_deaf |= not fault.do.pong
                self._met(at, fault, since, known)
            elif _ends(fault, at, known):
                self._met(at, fault, since, known)
                self.closed(connection)
                _end(connection, fault)
                return
        connection.deafen(deaf=is_deaf)

    def _met(self, at: Micros, fault: Fault, since: Micros, known: Known) -> None:
        self._force.met(at, fault, since, f"{CONN}:{known.number}")


def _door(fault: Fault) -> Door:
    match fault.do:
        case RefuseConnect():
            return Door.REFUSED
        case HalfOpen() if not fault.when.is_instant:
            return Door.HUNG
        case _:
            return Door.OPEN


def _ends(fault: Fault, at: Micros, known: Known) -> bool:
    match fault.do:
        case Close() | Reset() | HalfOpen():
            return True
        case CloseLoop() as loop:
            return at >= _due(loop, fault, known)
        case _:
            return False


def _due(loop: CloseLoop, fault: Fault, known: Known) -> Micros:
    """Return when a connection has lived long enough: since it, or the window, began."""
    begin = fault.when.between[0] if fault.when.between else known.opened_at
    return Micros(max(begin, known.opened_at) + seconds(loop.every_s))


def _end(connection: Connection, fault: Fault) -> None:
    match fault.do:
        case Reset():
            connection.reset()
        case HalfOpen():
            connection.hang()
        case Close(code=code) | CloseLoop(code=code):
            connection.end(code, SERVER_CLOSED)
        case _:
            return
