"""An exchange that stays, with a hand on its clock, and agents that come and go beside it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domain.books import Action
from domain.units import Symbol
from sandbox.kinds import OrderLine, Status
from tests import tapes
from tests.e2e.paper import paper
from tests.e2e.sessions import Process, Truth, run
from tests.processes.failpoint import Mark, read_marks
from tests.processes.hands import TOKEN, Hands
from tests.tapes import Leg

UNTIL = "10:16"
SPEED = 60


@dataclass(frozen=True)
class Desk:
    """One state directory, its exchange, and how agents are started on it."""

    folder: Path
    url: str
    hands: Hands
    options: dict[str, Any]

    @property
    def truth(self) -> Truth:
        return Truth(self.folder)

    @property
    def marks(self) -> tuple[Mark, ...]:
        """Every boundary an agent of this desk has passed, oldest first."""
        return read_marks(self.folder / "marks.jsonl")

    @contextmanager
    def agent(self, points: str = "") -> Iterator[Process]:
        """Attach one agent; `points` are those of `failpoint`."""
        with run(
            self.folder,
            "sandbox",
            program=("-m", "tests.processes.failpoint", str(self.folder / "marks.jsonl"), points),
            attach=self.url.removeprefix("http://"),
            state_dir=self.folder,
            **self.options,
        ) as process:
            yield process

    def stops(self) -> list[OrderLine]:
        """The stops that rest."""
        return [o for o in self.truth.resting(Action.BUY) if o.status is Status.TRIGGER_PENDING]

    def short(self, symbol: Symbol) -> int:
        """The units sold and not bought back."""
        return -self.truth.net(symbol)


@contextmanager
def a_desk(
    folder: Path, *legs: Leg, speed: int = SPEED, begin: str = "10:00", **options: Any
) -> Iterator[Desk]:
    """Open an exchange on a written day, `tape` if one is given; options are the agent's."""
    tape = options.pop("tape", None) or tapes.write(folder / "day.csv", *legs, since="09:40")
    state = folder / "state"
    given = {"tape": tape, "begin": begin, "speed": speed, "wait": True, "state_dir": state}
    with paper(folder, **given, control_port=0, control_token=TOKEN) as exchange:
        state.mkdir(exist_ok=True)
        yield Desk(state, exchange.url, Hands(exchange), {"until": UNTIL, **options})
        assert exchange.end() == 0
