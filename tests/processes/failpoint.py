"""run.py that ends itself, as SIGKILL ends it, at the n-th passing of a boundary.

    python -m tests.processes.failpoint MARKS "entry sent:2,lock:1" sandbox --attach ...

`stop sent:1=SIGTERM` sends that signal instead, and the process lives on as it can.

Nothing in the product knows of this: its journal, its HTTP session and its lock are wrapped here.
Every passing is written to the file MARKS, with the machine's steady time, before the process dies
there; so whoever started it knows what was met and when, also where no point is set.
"""

import json
import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple, cast

import msgspec
import urllib3.connection

import cli.live
import cli.sandbox
from actors.order import OrderActor
from broker.asks import HttpAnswer, HttpAsk
from broker.http import WRITES, HttpSession
from cli.door import main
from domain import clock
from domain import events as ev
from domain.books import Action, PriceType
from domain.positions import Phase
from journal.orders import OrderJournal
from messages.control import Begin
from messages.orders import BooksJudged, PreflightDone


class Boundary(StrEnum):
    """Where a process may die. Planned, seen, begun, proved: just after the commit that says so.

    Sent: the request is written, no answer is read. Answered: it is read, and nobody told.
    """

    ENTRY_DECIDED = "entry decided"
    ENTRY_PLANNED = "entry planned"
    ENTRY_SENT = "entry sent"
    ENTRY_ANSWERED = "entry answered"
    REPLY_COMMITTED = "reply committed"
    FILL_SEEN = "fill seen"
    STOP_PLANNED = "stop planned"
    STOP_SENT = "stop sent"
    STOP_ANSWERED = "stop answered"
    MODIFY_PLANNED = "modify planned"
    MODIFY_SENT = "modify sent"
    MODIFY_ANSWERED = "modify answered"
    CANCEL_PLANNED = "cancel planned"
    CANCEL_SENT = "cancel sent"
    CANCEL_ANSWERED = "cancel answered"
    CHASE_BEGUN = "chase begun"
    COVER_PLANNED = "cover planned"
    COVER_SENT = "cover sent"
    COVER_ANSWERED = "cover answered"
    FLAT_PROVED = "flat proved"
    LOCK = "lock"
    FOLDED = "folded"
    PREFLIGHT = "preflight"
    SNAPSHOT = "snapshot"
    ADOPTED = "adopted"
    RECOVERED = "recovered"


class Mark(msgspec.Struct, frozen=True):
    """One passing: the steady time, the boundary, how often by now, and the symbol if known."""

    at: int
    name: str
    nth: int
    symbol: str = ""


PLANNED = {
    "entry": Boundary.ENTRY_PLANNED,
    "stop": Boundary.STOP_PLANNED,
    "cover": Boundary.COVER_PLANNED,
}
SENT = {
    "entry": Boundary.ENTRY_SENT,
    "stop": Boundary.STOP_SENT,
    "cover": Boundary.COVER_SENT,
    "modify": Boundary.MODIFY_SENT,
    "cancel": Boundary.CANCEL_SENT,
}
ANSWERED = {
    "entry": Boundary.ENTRY_ANSWERED,
    "stop": Boundary.STOP_ANSWERED,
    "cover": Boundary.COVER_ANSWERED,
    "modify": Boundary.MODIFY_ANSWERED,
    "cancel": Boundary.CANCEL_ANSWERED,
}


class Points:
    """Counts passings, writes them down, and ends the process where it is to end. Any thread."""

    def __init__(self, marks: Path, wanted: Iterable["Point"]) -> None:
        self._file = os.open(marks, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._wanted = {(point.name, point.nth): point.number for point in wanted}
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def passed(self, boundary: Boundary, symbol: str = "") -> None:
        """Note a passing; the process may not live on."""
        with self._lock:
            self._counts[boundary] += 1
            mark = Mark(clock.steady(), boundary, self._counts[boundary], symbol)
            os.write(self._file, msgspec.json.encode(mark) + b"\n")
            number = self._wanted.get((boundary, mark.nth))
            if number is not None:
                os.kill(os.getpid(), number)


class Point(NamedTuple):
    """Where a signal is sent, and which."""

    name: Boundary
    nth: int
    number: signal.Signals = signal.SIGKILL


def points(text: str) -> tuple[Point, ...]:
    """Read `name:n,name:n=SIGNAL`. Raises ValueError or KeyError for what is unknown."""
    return tuple(_point(each) for each in text.split(",") if each)


def _point(text: str) -> Point:
    place, _, number = text.partition("=")
    name, _, nth = place.rpartition(":")
    return Point(Boundary(name), int(nth), signal.Signals[number or "SIGKILL"])


def read_marks(path: Path) -> tuple[Mark, ...]:
    """Return the passings so far; a line half written is left out."""
    lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    return tuple(msgspec.json.decode(line, type=Mark) for line in lines if line.endswith(b"\n"))


def kind_of(route: str, body: bytes) -> tuple[str, str]:
    """Return which kind of write a request is, and its symbol if it names one."""
    said = json.loads(body)
    symbol = said.get("symbol", "")
    if route != "placeorder":
        return route.removesuffix("order"), symbol
    if said["action"] == Action.SELL:
        return "entry", symbol
    return ("stop" if said["pricetype"] == PriceType.SL else "cover"), symbol


def wrap(owner: object, name: str, around: Callable[..., Any]) -> None:
    """Put `around(original, *arguments)` in place of a function or method."""
    original = getattr(owner, name)

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        return around(original, *args, **kwargs)

    setattr(owner, name, wrapped)


def watch_journal(where: Points) -> None:
    """Pass the boundaries that a commit makes."""

    def append(original: Callable[..., int], journal: OrderJournal, events: Any) -> int:
        events = tuple(events)
        for event in events:
            if isinstance(event, ev.IntentPlanned) and event.purpose.value == "entry":
                where.passed(Boundary.ENTRY_DECIDED, event.ticket.symbol)
            if isinstance(event, ev.Recovered):
                where.passed(Boundary.ADOPTED)
        last = original(journal, events)
        for event in events:
            boundary, symbol = committed(event)
            if boundary is not None:
                where.passed(boundary, symbol)
        return last

    wrap(OrderJournal, "append", append)


def committed(event: ev.Event) -> tuple[Boundary | None, str]:
    """Return the boundary that lies behind the commit of an event, and its symbol if known."""
    match event:
        case ev.IntentPlanned(purpose=purpose, ticket=ticket):
            return PLANNED.get(purpose.value), ticket.symbol
        case ev.ExitPhase(phase=Phase.CHASE):
            return Boundary.CHASE_BEGUN, ""
        case _:
            return COMMITTED.get(type(event)), ""


COMMITTED: dict[type[Any], Boundary] = {
    ev.WriteReplied: Boundary.REPLY_COMMITTED,
    ev.FillsSeen: Boundary.FILL_SEEN,
    ev.ModifyPlanned: Boundary.MODIFY_PLANNED,
    ev.CancelPlanned: Boundary.CANCEL_PLANNED,
    ev.ProvedFlat: Boundary.FLAT_PROVED,
    ev.Recovered: Boundary.RECOVERED,
}


def watch_wire(where: Points) -> None:
    """Pass the boundaries of a write: its bytes have left, its answer was read."""
    under_way = threading.local()

    def post(original: Callable[..., HttpAnswer], session: HttpSession, ask: HttpAsk) -> HttpAnswer:
        under_way.kind = kind_of(ask.route, ask.body) if ask.route in WRITES else None
        answer = original(session, ask)
        if under_way.kind is not None:
            kind, symbol = under_way.kind
            where.passed(ANSWERED[kind], symbol)
        return answer

    def getresponse(original: Callable[..., Any], connection: Any) -> Any:
        if getattr(under_way, "kind", None) is not None:
            kind, symbol = under_way.kind
            where.passed(SENT[kind], symbol)
        return original(connection)

    wrap(HttpSession, "post", post)
    wrap(urllib3.connection.HTTPConnection, "getresponse", getresponse)


def watch_recovery(where: Points) -> None:
    """Pass the boundaries of a start: the lock, the fold, the server's and the books' answers."""

    @contextmanager
    def locked(original: Callable[..., Any], *args: Any, **kwargs: Any) -> Iterator[Path]:
        with original(*args, **kwargs) as folder:
            where.passed(Boundary.LOCK)
            yield cast(Path, folder)

    def on_receive(original: Callable[..., None], actor: OrderActor, message: Any) -> None:
        if isinstance(message, PreflightDone):
            where.passed(Boundary.PREFLIGHT)
        if isinstance(message, BooksJudged):
            where.passed(Boundary.SNAPSHOT)
        original(actor, message)
        if isinstance(message, Begin):
            where.passed(Boundary.FOLDED)

    wrap(cli.sandbox, "locked", locked)
    wrap(cli.live, "locked", locked)
    wrap(OrderActor, "on_receive", on_receive)


if __name__ == "__main__":
    wanted = Points(Path(sys.argv[1]), points(sys.argv[2]))
    del sys.argv[1:3]
    watch_journal(wanted)
    watch_wire(wanted)
    watch_recovery(wanted)
    raise SystemExit(main())
