"""An actor hangs at 11:00, alive and mute: another takes its place, what it does later is lost."""

from pathlib import Path
from typing import Any

import pytest

from actors.base import Actor
from actors.pump import Pump
from cli.virtual import Parts
from domain import clock
from domain.books import Action
from messages.control import Ended
from messages.orders import FlattenAll
from sandbox.kinds import Status as Row
from tests.days import Played, a_stage
from tests.stories import told
from tests.tapes import CALL, UNITS, Leg, a_tape

SOLD = Leg(ready="10:52", breaks="10:55")
SOON = ("feed", "strategy", "reconcile", "journal", "monitor")
LATER = f"bar:{CALL}"


class Hanging(Pump):
    """Serves everybody but those that hang; they wake when told to, where they were."""

    def __init__(self) -> None:
        super().__init__()
        self.hanging: dict[str, Actor] = {}

    def hang(self, address: str) -> None:
        self.hanging[address] = self._actors[address]

    def wake(self, address: str) -> None:
        """Let an actor end the message it was in, by telling the worst, and read on."""
        actor = self.hanging.pop(address)
        actor.post.tell("order", FlattenAll(at=clock.now(), reason="HUMAN"))
        actor.post.tell("main", Ended(at=clock.now(), code=70, reason="woke"))
        actor.post.tell_all("bar:", "poison")
        while not actor.actor_inbox.empty():
            envelope: Any = actor.actor_inbox.get()
            if not actor.actor_stopped.is_set():
                actor._handle_receive(envelope.message)
        assert actor.actor_stopped.is_set()

    def _serve(self, address: str) -> None:
        if address not in self.hanging or self._actors.get(address) is not self.hanging[address]:
            super()._serve(address)


def played(folder: Path, address: str) -> Played:
    """Play from 10:48 to the force close at 11:15; `address` hangs from 11:00 to 11:05."""
    pump = Hanging()
    tape, parts = a_tape(SOLD, since="10:25"), Parts(pump=lambda: pump)
    with a_stage(folder, tape=tape, begin="10:48", force_close="11:15", parts=parts) as stage:
        stage.later("11:00", lambda: pump.hang(address))
        stage.later("11:05", lambda: pump.wake(address))
        return stage.play()


@pytest.mark.parametrize(("address", "after"), [*((a, "11:00:1") for a in SOON), (LATER, "11:01:")])
def test_stuck_actor_is_replaced_and_the_short_stays_covered(
    tmp_path: Path, address: str, after: str
) -> None:
    day = played(tmp_path, address)
    told(
        day.log,
        r"10:5\d:.* stop NIFTY\w+ is trigger_pending",
        rf"{after}.*{address} is dead error=it does not answer",
        rf"{after[:6]}.*{address} is rebuilt restarts=1",
        rf"11:05:00.*{address} woke after another one took its place",
        r"11:15:00.*leaving NIFTY\w+ units=650 reason=FORCE_CLOSE",
        r"proved flat",
    )
    assert (day.ended.code, day.report.flat) == (10, True)
    assert (day.report.entries, day.report.exits) == (1, 1)
    assert day.report.invariants_broken == []


def test_stuck_order_actor_ends_the_process_and_recovery_goes_on(tmp_path: Path) -> None:
    pump = Hanging()
    pumps = iter((pump, Pump()))
    tape, parts = a_tape(SOLD, since="10:25"), Parts(pump=lambda: next(pumps))
    with a_stage(tmp_path, tape=tape, begin="10:48", force_close="11:15", parts=parts) as stage:
        stage.later("11:00", lambda: pump.hang("order"))
        ended = stage.session.play()
        assert (ended.code, ended.reason) == (70, "order: it does not answer from its inbox")
        assert stage.at("11:00:10") <= ended.at <= stage.at("11:00:16")
        assert stage.net(CALL) == -UNITS
        (stop,) = stage.orders(Action.BUY)
        assert stop.status is Row.TRIGGER_PENDING
        stage.again("11:00:20")
        day = stage.play()
        assert stage.orders(Action.BUY)[0].orderid == stop.orderid
    assert (day.ended.code, day.report.flat) == (10, True)
    assert day.report.invariants_broken == []


def test_day_with_a_stuck_actor_is_the_same_each_time(tmp_path: Path) -> None:
    first, second = (played(tmp_path / name, "strategy") for name in "ab")
    assert first.decisions == second.decisions
    assert first.truth == second.truth
