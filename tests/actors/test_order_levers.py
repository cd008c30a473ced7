"""A lever on its way through OrderActor: to the journal first, then the answer."""

from pathlib import Path
from typing import Any

import pytest

from domain import events as ev
from domain.levers import Lever
from domain.status import Hold
from messages.control import ModeEntered, StandingChanged
from messages.orders import Attention, FactsWanted, LeverPulled, PullLever
from tests.actors.fakes import To
from tests.actors.order_stand import Stand, of
from tests.orders import t
from tests.trading import DAY


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    return Stand(tmp_path).ready()


def a_pull(seconds: float, lever: Lever, **more: Any) -> PullLever:
    return PullLever(at=t(seconds), lever=lever, reason="BY_HAND", **more)


def said(seconds: float, mode: str, *latches: str, refusal: str = "") -> To:
    pulled = LeverPulled(at=t(seconds), request="r1", refusal=refusal, mode=mode, latches=latches)
    return To("main", pulled)


def test_lever_is_answered_once_it_is_on_disk(stand: Stand) -> None:
    told = stand.hear(5, a_pull(5, Lever.FREEZE, request="r1"))
    assert said(5, "REDUCE_ONLY", "FREEZE") in told
    assert stand.journal is not None
    kept = stand.journal.events(DAY)
    assert ev.LatchSet(at=t(5), name="FREEZE", reason="BY_HAND") in kept


def test_lever_that_nobody_asked_for_by_name_is_not_answered(stand: Stand) -> None:
    told = stand.hear(5, a_pull(5, Lever.FREEZE))
    assert of(LeverPulled, told) == []
    assert of(ModeEntered, told)[0].mode == "REDUCE_ONLY"


def test_lever_told_twice_is_answered_twice_and_is_up_once(stand: Stand) -> None:
    stand.hear(5, a_pull(5, Lever.HALT, request="r1"))
    assert stand.hear(6, a_pull(6, Lever.HALT, request="r1")) == [said(6, "HALTED", "HALT")]


def test_refusal_is_the_answer(stand: Stand) -> None:
    told = stand.hear(5, a_pull(5, Lever.CLEAR, name="FREEZE", request="r1"))
    assert told == [said(5, "ACTIVE", refusal="FREEZE is not up; up: none")]


def test_books_are_read_at_once_where_that_is_asked_for(stand: Stand) -> None:
    told = stand.hear(5, a_pull(5, Lever.RECONCILE, request="r1"))
    assert [attention.now for attention in of(Attention, told)] == [True]
    assert said(5, "ACTIVE") in told


def test_monitor_hears_what_holds_the_agent_back_when_it_changes(stand: Stand) -> None:
    up = StandingChanged(at=t(5), latches=(Hold(code="FREEZE", text="BY_HAND"),), conditions=())
    assert of(StandingChanged, stand.hear(5, a_pull(5, Lever.FREEZE))) == [up]
    assert of(StandingChanged, stand.hear(6, a_pull(6, Lever.FREEZE))) == []
    assert of(StandingChanged, stand.hear(7, FactsWanted(who="monitor"))) == [up]
    down = StandingChanged(at=t(8), latches=(), conditions=())
    told = stand.hear(8, a_pull(8, Lever.CLEAR, name="FREEZE"))
    assert of(StandingChanged, told) == [down]
