"""What happens while nobody is there: the agent dead, the feed dead, the process asleep."""

import signal
from pathlib import Path

import pytest

from domain.books import Action
from domain.session import instant
from domain.units import seconds
from journal.orders import NAME as JOURNAL
from journal.orders import JournalReader
from sandbox.checker import Terms, judge
from sandbox.truth import Accepted
from tests.e2e.sessions import LONG_S
from tests.processes.desk import SPEED, Desk, a_desk
from tests.processes.failpoint import Boundary
from tests.tapes import CALL, DAY, PUT, UNITS, Leg
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def assert_sound(desk: Desk, speed: int = SPEED) -> None:
    rows = JournalReader(desk.folder / JOURNAL).rows(DAY)
    assert judge(desk.truth.rows, rows, Terms(speed=speed)).invariants_broken == []


@pytest.mark.incident("INC-60")
def test_stop_fills_while_feed_and_agent_are_dead(tmp_path: Path) -> None:
    leg = Leg(ready="10:02", breaks="10:03", stops="10:07")
    with a_desk(tmp_path, leg, begin="10:01") as desk:
        with desk.agent() as first:
            (stop,) = until(desk.stops, LONG_S)
            desk.hands.suffer(id="dead", at="ws:conn", do={"refuse_connect": {}})
            first.send(signal.SIGKILL)
            first.wait()
        desk.hands.run_to(instant(DAY, "10:08:30"))
        assert desk.short(CALL) == 0, "the exchange's own stop is what bought it back"
        known = len(desk.truth.rows)
        with desk.agent() as second:
            second.wait_for(r"\[FILL\] stop BUY NIFTY\w+ filled=(\d+)/\1 ")
            desk.hands.run_to(instant(DAY, "10:11:30"))
            assert second.process.poll() is None
            assert "books read: live orders=0 shorts=0" in second.log
        later = [row for row in desk.truth.rows[known:] if isinstance(row.payload, Accepted)]
        assert later == []
        assert [order.orderid for order in desk.truth.orders(Action.BUY)] == [stop.orderid]
        assert_sound(desk)


@pytest.mark.incident("INC-82")
def test_waking_after_90_s_reconciles_before_entries(tmp_path: Path) -> None:
    """Asleep for more than 90 market seconds; the swing to enter is confirmed meanwhile."""
    speed, asleep_s = 15, 100
    first = Leg(ready="10:02", breaks="10:03")
    missed = Leg(symbol=PUT, ready="10:05", breaks=None)
    with a_desk(tmp_path, first, missed, speed=speed, begin="10:01") as desk, desk.agent() as agent:
        agent.wait_for(r"stop NIFTY\w+ is trigger_pending")
        agent.send(signal.SIGSTOP)
        fell_asleep = desk.hands.now()
        until(lambda: desk.hands.now() >= fell_asleep + seconds(asleep_s), LONG_S)
        woken = len(desk.marks)
        agent.send(signal.SIGCONT)
        agent.wait_for(r"process slept for \d")
        until(lambda: desk.truth.resting(Action.SELL), LONG_S)
        passed = [mark.name for mark in desk.marks[woken:]]
        entered = passed.index(Boundary.ENTRY_DECIDED)
        assert Boundary.SNAPSHOT in passed[:entered]
        agent.send(signal.SIGKILL)
        assert desk.short(CALL) == UNITS
        assert len(desk.stops()) == 1
        assert_sound(desk, speed)
