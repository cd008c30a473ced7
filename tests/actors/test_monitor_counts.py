"""What MonitorActor counts and times for the page: cover, orders, restarts, inboxes, the mode."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from domain.orders import State
from domain.status import Count, Member
from messages.control import Heartbeat, InboxesMeasured, ModeEntered, Pulse, RecoveryDone
from messages.orders import OrderChanged, PositionChanged
from tests.actors.test_monitor import Stand, a_short, changed
from tests.domain.tape import a_plan
from tests.orders import T0, t


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    return Stand(tmp_path)


def test_time_without_cover_is_summed_up(stand: Stand) -> None:
    leg, stop = a_short()
    bare = stand.hear(PositionChanged(at=t(1), leg=leg))
    assert (bare.uncovered, bare.uncovered_since, bare.uncovered_us) == (650, t(1), 0)
    still = stand.hear(PositionChanged(at=t(2), leg=leg))
    assert still.uncovered_since == t(1)
    covered = stand.hear(OrderChanged(at=t(3), order=stop))
    assert (covered.uncovered, covered.uncovered_since) == (0, None)
    assert covered.uncovered_us == t(3) - t(1)
    stand.hear(OrderChanged(at=t(5), order=replace(stop, state=State.CANCELLED)))
    again = stand.hear(OrderChanged(at=t(6), order=replace(stop, intent="second")))
    assert again.uncovered_us == t(3) - t(1) + t(6) - t(5)


def test_clock_set_back_makes_no_time_without_cover(stand: Stand) -> None:
    leg, stop = a_short()
    stand.hear(PositionChanged(at=t(9), leg=leg))
    assert stand.hear(OrderChanged(at=t(3), order=stop)).uncovered_us == 0


def test_orders_are_counted_by_their_state(stand: Stand) -> None:
    _, stop = a_short()
    others = [replace(stop, intent=str(n), state=State.UNKNOWN) for n in range(2)]
    status = stand.hear(*changed(stop, *others))
    counts = (Count(name=stop.state, count=1), Count(name="unknown", count=2))
    assert status.orders == tuple(sorted(counts, key=lambda count: count.name))
    known = stand.hear(*changed(*(replace(each, state=stop.state) for each in others)))
    assert known.orders == (Count(name=stop.state, count=3),)


def test_mode_is_held_since_it_was_entered(stand: Stand) -> None:
    entered = [ModeEntered(at=t(n), mode="REDUCE_ONLY", reason="FREEZE") for n in (4, 5)]
    assert stand.hear(*entered).mode_since == t(4)
    active = ModeEntered(at=t(6), mode="ACTIVE", reason="")
    assert stand.hear(active).mode_since == t(6)


def test_open_of_the_day_is_known_from_its_plan(stand: Stand) -> None:
    plan = a_plan()
    status = stand.hear(RecoveryDone(at=T0, plan=plan, chain=None))
    assert (status.opens_at, status.last_entry) == (plan.open, plan.last_entry)


def test_restarts_and_the_cast_are_those_of_the_watchdog(stand: Stand) -> None:
    restarted = (Count(name="feed", count=2),)
    cast = (Member(address="feed", state="alive", restarts=2, echo_s=1),)
    status = stand.hear(Heartbeat(at=T0, restarts=2, restarted=restarted, cast=cast))
    assert (status.actor_restarts, status.restarts, status.cast) == (2, restarted, cast)


def test_what_waits_is_shown_as_it_was_measured(stand: Stand) -> None:
    inboxes = (Count(name="bar", count=3), Count(name="order", count=0))
    stand.actor.on_receive(InboxesMeasured(at=t(0), inboxes=inboxes))
    stand.actor.on_receive(Pulse(at=t(1)))
    assert stand.shown[-1].inboxes == inboxes
