"""The order path as a state machine: wishes, faults, time and kills in any order.

Every step is played on the drill's own world and judged on ground truth; when Hypothesis has had
enough, the faults stop, the day ends, and everything that is due by then is judged too.
"""

import random
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from cli.order_drill import settings as drilled
from domain import clock
from domain.session import show
from domain.units import SECOND, Micros
from research import order_tape as tapes
from research.dealer import Deal, Habits
from research.mischief import Plan
from research.order_drill import Session, draw
from research.order_faults import CATALOGUE, is_known
from sandbox import faults

WHEN_CALM = 240
"""Seconds after the begin from which on nothing goes wrong any more."""

IDLE = Habits(enter=0, amend=0, cancel=0, raise_stop=0, move_stop=0, leave=0)
MIDWAY = frozenset({"I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8", "I9", "I10", "DIED"})
"""What may be judged at any moment."""

KINDS = st.sampled_from(sorted(CATALOGUE.keys() - {"other_mode"}))
"""A start in the wrong mode with nothing open is refused (exit 78) until a human acts."""


class OrderPath(RuleBasedStateMachine):
    """One session, driven by rules."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.count = 0

    @initialize(seed=st.integers(1, 500))
    def begin(self, seed: int) -> None:
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        sheet = draw(seed, faulty=False)
        begin = tapes.begin()
        self.calm = Micros(begin + WHEN_CALM * SECOND)
        plan = msgspec.structs.replace(
            sheet.plan, force_close=self.calm, last_entry=Micros(self.calm - 5 * SECOND)
        )
        weather = replace(sheet.weather, until=self.calm)
        calm = Plan(until=self.calm)
        sheet = replace(sheet, plan=plan, weather=weather, habits=IDLE, mischief=calm)
        self.session = Session(sheet, drilled(), folder)
        self.world = self.session.world
        self.world.boot()
        self.wait(2)

    @rule(span=st.sampled_from((1, 2, 6, 15)))
    def wait(self, span: int) -> None:
        self.world.run_to(Micros(self.world.timeline.now() + span * SECOND))

    @rule(what=st.sampled_from(("enter", "enter", "enter", "tend", "leave")))
    def deal(self, what: str) -> None:
        self.world.life.tell("strategy", Deal(what))
        self.wait(1)

    @rule(kind=KINDS, number=st.integers(0, 9), span=st.integers(2, 30))
    def disturb(self, kind: str, number: int, span: int) -> None:
        """Let a fault begin now; another life of the day knows nothing of the draws before."""
        now = self.world.timeline.now()
        until = min(self.calm, Micros(now + span * SECOND))
        if until <= now + SECOND:
            return
        self.count += 1
        place, do = CATALOGUE[kind].places[0], CATALOGUE[kind].do(random.Random(number))
        assert is_known(place, do)
        is_instant = CATALOGUE[kind].is_instant
        at = show(Micros(now + SECOND))
        when = {"at": at} if is_instant else {"between": [show(now), show(until)]}
        entry = {"id": f"{kind}__{self.count}", "at": place, "when": when, "do": do}
        script = faults.read({"version": 1, "faults": [entry]}, tapes.DAY, self.count)
        self.world.disturb(script.faults)

    @rule()
    def kill(self) -> None:
        self.world.die("killed", Micros(2 * SECOND))
        self.wait(3)

    @rule(boundary=st.integers(1, 6))
    def kill_soon(self, boundary: int) -> None:
        """End the process at one of the next boundaries between memory, disk and wire."""
        mischief = self.world.mischief
        soon = mischief.boundaries + boundary
        mischief.plan = replace(mischief.plan, kills=(*mischief.plan.kills, soon))

    @invariant()
    def nothing_is_broken_midway(self) -> None:
        if hasattr(self, "session"):
            rules = [text for text in self.session.broken() if text.split()[0] in MIDWAY]
            assert rules == []

    def teardown(self) -> None:
        try:
            if hasattr(self, "session"):
                self.world.run_to(self.session.end)
                self.world.finish(Micros(30 * SECOND))
                assert self.session.outcome().broken == ()
        finally:
            clock.use(clock.WallClock())
            self.stack.close()


TestOrderPath = OrderPath.TestCase
# Each example is a whole session; the orders drill plays hundreds.
TestOrderPath.settings = settings(
    max_examples=100,
    stateful_step_count=14,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
