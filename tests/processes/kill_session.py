"""One session whose agent is killed again and again, and started again on the same state directory.

The exchange is a process of its own and lives through every kill. Its clock stands from a kill
until the next process holds the lock, so that market time measures the agent and not the start of
an interpreter; how long that takes is measured apart, by the machine's steady clock. Between the
two the market may go on for a while without an agent.
"""

import signal
import subprocess
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from domain import clock
from domain.books import Action
from domain.session import instant
from domain.units import SECOND, Day, Micros, Symbol, seconds
from journal.orders import NAME as JOURNAL
from journal.orders import JournalReader
from sandbox.book import Book
from sandbox.kinds import Status
from tests.e2e.paper import paper
from tests.e2e.sessions import LONG_S, Process, Truth, run
from tests.processes import churn
from tests.processes.failpoint import Boundary, Mark, read_marks
from tests.processes.hands import TOKEN, Hands
from tests.waiting import PAUSE_S, until

DAY = Day("2026-11-19")
SPEED = 60
BEGIN = "10:20"
RECOVERS_WITHIN_S = 60.0
COVERS_WITHIN_S = 10.0
ENDS_WITHIN_S = 60.0
NEVER_ENDED = -1
MET_WITHIN_S = 15.0
BEFORE_CLOSE = seconds(360)
"""From here on an agent lives into the close of the session, long enough to be short by then."""


@dataclass(frozen=True, kw_only=True)
class Kill:
    """One kill. `point` is the boundary, "" a random instant, `after_s` real seconds from recovery.

    With `in_recovery` the instant is counted from the start of the process. `dead_s` is for how
    many market seconds nobody is there.
    """

    point: str = ""
    nth: int = 1
    after_s: float = 0.0
    dead_s: int = 0
    in_recovery: bool = False

    @property
    def name(self) -> str:
        """What it is called in the table."""
        return self.point or ("random, in recovery" if self.in_recovery else "random")

    @property
    def armed(self) -> str:
        """What the process is started with."""
        return f"{self.point}:{self.nth}" if self.point else ""


@dataclass(kw_only=True)
class Killed:
    """What a kill met, by ground truth and journal, and how the next process did.

    `seq` is the last row of truth then. `bare` are the symbols without a full stop when the next
    process was started. `stop_s` and `recovered_s` are real seconds from its start.
    """

    kill: Kill
    was_met: bool
    seq: int
    shorts: int
    stops: int
    entries: int
    in_flight: int
    bare: tuple[Symbol, ...] = ()
    stop_s: list[float] = field(default_factory=list)
    recovered_s: float | None = None

    @property
    def met_orders(self) -> bool:
        """Whether anything of ours lived at that instant."""
        return bool(self.shorts or self.stops or self.entries or self.in_flight)


class KillSession:
    """An exchange, one state directory, and the agents that die on it."""

    def __init__(self, folder: Path, url: str, hands: Hands, close: str) -> None:
        self.killed: list[Killed] = []
        self.codes: list[int] = []
        self._folder = folder
        self._url = url
        self._hands = hands
        self._close = close
        self._reader = JournalReader(folder / JOURNAL)
        self._life = 0

    def play(self, kills: "deque[Kill]", closing: Sequence[Kill]) -> None:
        """Kill until the kills or the session are over, and then in its close.

        Kills that were not met stay, for another session.
        """
        near = Micros(instant(DAY, self._close) - BEFORE_CLOSE)
        again: list[Kill] = []
        while kills and self._hands.now() < near and not self.codes:
            again += self._one(kills.popleft())
        kills.extend(again)
        left_s = (near - self._hands.now()) / SPEED / SECOND
        if left_s > 0 and not self.codes:
            self._one(Kill(after_s=left_s))
        for kill in closing:
            if not self.codes:
                self._one(kill)
        if not self.codes:
            with self._agent("") as (agent, started, marks):
                self._recover(agent, started, marks)
                self.codes.append(self._ended(agent))

    def _one(self, kill: Kill) -> list[Kill]:
        """Start an agent and kill it; return the kill again if it did not come to it.

        An agent that ended by itself is the last one: the day is done.
        """
        with self._agent(kill.armed) as (agent, started, marks):
            if kill.in_recovery:
                self._runs(agent, marks)
                self._await(agent, started + seconds(kill.after_s))
            elif kill.point:
                self._recover(agent, started, marks)
                self._until_dead(agent, MET_WITHIN_S)
            else:
                self._recover(agent, started, marks)
                self._await(agent, clock.steady() + seconds(kill.after_s))
            was_met = not kill.point or agent.process.poll() is not None
            if agent.process.poll() is None:
                agent.send(signal.SIGKILL)
            code = agent.wait()
            self._hands.stand()
        if code != -signal.SIGKILL:
            self.codes.append(code)
            return [kill]
        self.killed.append(self._seen(kill, was_met=was_met))
        if kill.dead_s:
            self._hands.run_to(Micros(self._hands.now() + seconds(kill.dead_s)))
        self.killed[-1].bare = self._bare()
        return [] if was_met else [kill]

    def _ended(self, agent: Process) -> int:
        """Wait for the end of the last agent and return its code."""
        try:
            return agent.process.wait(ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            return NEVER_ENDED

    @contextmanager
    def _agent(self, armed: str) -> Iterator[tuple[Process, Micros, Path]]:
        """Start an agent on the state directory."""
        self._life += 1
        marks = self._folder / f"marks-{self._life}.jsonl"
        started = clock.steady()
        with run(
            self._folder,
            "sandbox",
            program=("-m", "tests.processes.failpoint", str(marks), armed),
            attach=self._url.removeprefix("http://"),
            state_dir=self._folder,
            until=self._close,
            config=self._folder / "churn.yaml",
        ) as agent:
            yield agent, started, marks

    def _recover(self, agent: Process, started: Micros, marks: Path) -> None:
        """Wait until the agent has recovered, or is dead; measure what it did for the last kill."""
        self._runs(agent, marks)
        until(
            lambda: agent.process.poll() is not None or _first(marks, Boundary.RECOVERED),
            RECOVERS_WITHIN_S,
        )
        recovered = _first(marks, Boundary.RECOVERED)
        if not self.killed or recovered is None:
            return
        last = self.killed[-1]
        last.recovered_s = _span_s(started, recovered)
        for symbol in last.bare:
            sent = self._covered(agent, marks, symbol)
            if sent is not None:
                last.stop_s.append(_span_s(started, sent))

    def _runs(self, agent: Process, marks: Path) -> None:
        """Let the market go on as soon as the agent holds the lock."""
        until(
            lambda: agent.process.poll() is not None or _first(marks, Boundary.LOCK),
            RECOVERS_WITHIN_S,
        )
        self._hands.go()

    def _covered(self, agent: Process, marks: Path, symbol: Symbol) -> Mark | None:
        """Wait for the first write that covers a symbol, unless nobody can or has to any more.

        None too if it does not come: the checker counts for how long the short was bare.
        """
        waits = iter(range(round(COVERS_WITHIN_S / PAUSE_S)))

        def settled() -> bool:
            is_over = agent.process.poll() is not None or symbol not in self._bare()
            return is_over or _cover(marks, symbol) is not None or next(waits, None) is None

        until(settled, LONG_S)
        return _cover(marks, symbol)

    def _await(self, agent: Process, at: int) -> None:
        """Wait until the machine's clock says so; an agent that ends by itself is no use."""
        until(lambda: clock.steady() >= at or agent.process.poll() is not None, LONG_S)

    def _until_dead(self, agent: Process, within_s: float) -> None:
        """Wait until a point was met, but not for ever."""
        waits = iter(range(round(within_s / PAUSE_S)))
        until(lambda: agent.process.poll() is not None or next(waits, None) is None, LONG_S)

    def _seen(self, kill: Kill, *, was_met: bool) -> Killed:
        """Return what lived at the moment of a kill."""
        truth = Truth(self._folder)
        book = truth.book
        live = book.all_live()
        rows = self._reader.rows(DAY) if (self._folder / JOURNAL).exists() else []
        kinds = Counter(row["kind"] for row in rows)
        return Killed(
            kill=kill,
            was_met=was_met,
            seq=len(truth.rows),
            shorts=sum(position.net < 0 for position in book.positions.values()),
            stops=sum(order.status is Status.TRIGGER_PENDING for order in live if _is_buy(order)),
            entries=sum(order.action is Action.SELL for order in live),
            in_flight=kinds["WriteSent"] - kinds["WriteReplied"] - self._unanswered(),
        )

    def _unanswered(self) -> int:
        """How many writes earlier kills left without an answer for ever."""
        return sum(killed.in_flight for killed in self.killed)

    def _bare(self) -> tuple[Symbol, ...]:
        """Return the symbols that are short by more than waits to buy them back."""
        book = Truth(self._folder).book
        return tuple(sorted(symbol for symbol, units in _shorts(book).items() if units > 0))


def _shorts(book: Book) -> Counter[Symbol]:
    """Return by symbol the units short, less those of resting stops."""
    units: Counter[Symbol] = Counter()
    for position in book.positions.values():
        units[position.symbol] -= min(0, position.net)
    for order in book.all_live():
        if _is_buy(order) and order.status is Status.TRIGGER_PENDING:
            units[order.symbol] -= order.pending
    return units


def _is_buy(order: Any) -> bool:
    return bool(order.action is Action.BUY)


def _first(marks: Path, boundary: Boundary) -> Mark | None:
    return next((mark for mark in read_marks(marks) if mark.name == boundary), None)


COVERS = {Boundary.STOP_SENT, Boundary.COVER_SENT, Boundary.MODIFY_SENT}


def _cover(marks: Path, symbol: Symbol) -> Mark | None:
    """Return the first write that left to cover a symbol."""
    found = (m for m in read_marks(marks) if m.name in COVERS and m.symbol == symbol)
    return next(found, None)


def _span_s(start: Micros, mark: Mark) -> float:
    return (mark.at - start) / SECOND


@contextmanager
def kill_session(folder: Path, close: str) -> Iterator[KillSession]:
    """Open an exchange for a session that is closed by force at a wall time."""
    folder.mkdir(parents=True)
    (folder / "churn.yaml").write_text(churn.CONFIG)
    options: dict[str, Any] = {
        "tape": churn.write(folder / "day.csv"),
        "begin": BEGIN,
        "speed": SPEED,
        "wait": True,
        "state_dir": folder,
        "control_port": 0,
        "control_token": TOKEN,
    }
    with ExitStack() as stack:
        exchange = stack.enter_context(paper(folder, **options))
        hands = Hands(exchange)
        hands.stand()
        yield KillSession(folder, exchange.url, hands, close)
        assert exchange.end() == 0
