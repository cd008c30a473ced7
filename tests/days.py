"""Sessions in virtual time: the whole cast, the paper exchange, a written or a drawn day.

    played = a_day(tmp_path, tape=a_tape(Leg()), begin="09:48", force_close="10:16")
    assert played.report.flat

A `Stage` is a session that can be stopped at an instant and looked at; `a_day` plays it to its end.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cli.session import Session
from cli.virtual import Parts, VirtualDay, VirtualSession
from config import log as logs
from config.settings import Settings, load
from domain import clock
from domain.books import Action
from domain.session import DayPlan, instant, plan
from domain.units import Day, Micros, Symbol
from journal.orders import JournalReader
from messages.control import Ended
from sandbox import checker, faults
from sandbox.exchange import Setup
from sandbox.faults import Script
from sandbox.kinds import OrderLine
from sandbox.market.recorded import Tape
from sandbox.params import SandboxParams
from sandbox.truth import Row, Truth
from sandbox.truth_file import TruthFile


@dataclass(frozen=True, kw_only=True)
class Given:
    """What a session is played with; what is None stays as the settings have it."""

    seed: int | None = None
    begin: str | None = None
    force_close: str | None = None
    tape: Tape | None = None
    faults: tuple[Mapping[str, Any], ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    parts: Parts = field(default_factory=Parts)

    def flags(self) -> dict[str, Any]:
        """The settings, by dotted key."""
        said = {
            "sandbox.seed": self.seed,
            "sandbox.start_at": self.begin,
            "session.force_close": self.force_close,
        }
        return {**{k: v for k, v in said.items() if v is not None}, **self.settings}


@dataclass(frozen=True, kw_only=True)
class Played:
    """What a session came to."""

    folder: Path
    ended: Ended
    rows: list[Row]
    journal: list[dict[str, Any]]
    report: checker.Report

    @property
    def log(self) -> str:
        """The story of the day."""
        return (self.folder / "agent.log").read_text("ascii")

    @property
    def decisions(self) -> bytes:
        """The decision log."""
        return (self.folder / "decisions.jsonl").read_bytes()

    @property
    def truth(self) -> bytes:
        """Ground truth as it was written."""
        return (self.folder / "truth.jsonl").read_bytes()


class Stage:
    """A session of one state directory; use it in a `with` block."""

    def __init__(self, folder: Path, given: Given) -> None:
        self.folder = folder
        self.given = given
        self.settings: Settings = load("sandbox", given.flags(), rooms={"sandbox": SandboxParams()})
        params = self.settings.room(SandboxParams)
        self._setup = Setup(params, given.tape)
        self.day: Day = self._setup.day
        self.plan = self._plan()
        folder.mkdir(parents=True, exist_ok=True)
        self._file = TruthFile(folder)
        self.truth = Truth(self._file.append, self._file.rows)
        self.session = self._session()

    def kill(self) -> None:
        """End the agent as kill -9 does: nobody says a last word, what was on its way is lost."""
        self.session.pump.stop("journal")
        self.session.door.ended = self.session.door.ended or Ended(
            at=self.session.world.timeline.now(), code=-9, reason="killed"
        )

    def again(self, begin: str) -> None:
        """Build a new agent on the same exchange and journal, at `begin` or where truth ends."""
        self.session = self._session(begin)

    def at(self, wall: str) -> Micros:
        """An instant of the day."""
        return instant(self.day, wall)

    def begin(self) -> "Stage":
        """Let the cast begin."""
        self.session.system.start()
        return self

    def run_to(self, wall: str) -> None:
        """Play up to an instant, or to the end if that comes first."""
        until = self.at(wall)
        world, door = self.session.world, self.session.door
        world.run(lambda: door.ended is not None or world.timeline.now() >= until, self.plan.close)

    def finish(self) -> Played:
        """Play what is left and judge it."""
        world, door = self.session.world, self.session.door
        world.run(lambda: door.ended is not None, self.plan.close)
        self.session.system.stop(5)
        late = Ended(at=world.timeline.now(), code=3, reason="not proved flat in time")
        return self._played(door.ended or late)

    def play(self) -> Played:
        """Play the whole session and judge it."""
        return self._played(self.session.play())

    def later(self, wall: str, action: Callable[[], None]) -> None:
        """Let something happen at an instant."""
        self.session.world.timeline.later(self.at(wall), action)

    def orders(self, action: Action, symbol: Symbol | None = None) -> list[OrderLine]:
        """The true orders of one side."""
        found = self.session.exchange.orders()
        return [o for o in found if o.action is action and symbol in {None, o.symbol}]

    def net(self, symbol: Symbol) -> int:
        """The true position in a symbol."""
        found = self.session.exchange.positions(self.session.world.timeline.now())
        return sum(position.net for position in found if position.symbol == symbol)

    def close(self) -> None:
        """Let go of the files."""
        self.session.pump.stop("journal")
        self._file.close()

    def _plan(self) -> DayPlan:
        settings = self.settings
        planned = plan(
            self.day,
            settings.rules,
            settings.session,
            settings.broker.name,
            quiet_s=settings.exit.quiet_s,
        )
        assert isinstance(planned, DayPlan)
        return planned

    def _session(self, begin: str | None = None) -> VirtualSession:
        script = Script()
        if self.given.faults:
            script = faults.read({"version": 1, "faults": list(self.given.faults)}, self.day)
        day = VirtualDay(
            setup=self._setup,
            script=script,
            truth=self.truth,
            begin=begin or self.settings.room(SandboxParams).start_at,
        )
        session = Session(settings=self.settings, folder=self.folder)
        return VirtualSession(session, day, self.plan, self.given.parts)

    def _played(self, ended: Ended) -> Played:
        journal = JournalReader(self.folder / "orders.db").rows(self.day)
        until = self.session.world.timeline.now()
        report = checker.judge(self.truth.rows, journal, checker.Terms(until=until))
        return Played(
            folder=self.folder,
            ended=ended,
            rows=self.truth.rows,
            journal=journal,
            report=report,
        )


@contextmanager
def a_stage(folder: Path, **given: Any) -> Iterator[Stage]:
    """Open a session; log, clock and files are as before when the block is left."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stage = Stage(folder, Given(**given))
    with (folder / "console.log").open("w") as console:
        logs.setup(logs.Redactor(), stream=console, color=False, file=folder / "agent.log")
        try:
            yield stage
        finally:
            stage.close()
            for handler in set(root.handlers) - set(handlers):
                handler.close()
            root.handlers[:] = handlers
            root.setLevel(level)
            clock.use(clock.WallClock())


def a_day(folder: Path, **given: Any) -> Played:
    """Play one session to its end."""
    with a_stage(folder, **given) as stage:
        return stage.play()
