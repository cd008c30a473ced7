"""The day's limits: they hold by trades alone, survive a restart, believe no single bad price."""

from pathlib import Path
from typing import Any

import pytest

from domain.books import Action
from domain.market import Forming, minute_of
from domain.units import SECOND, Micros, Paise, Symbol
from messages.market import BarUpdated
from tests.days import Stage, a_stage
from tests.stories import told
from tests.tapes import CALL, PUT, UNITS, Leg, a_tape

STOPPED = Leg(ready="09:50", breaks="09:52", stops="09:56")
HELD = Leg(ready="09:50", breaks="09:52")
NEXT = Leg(symbol=PUT, ready="10:02", breaks="10:06")
"""Another swing of the other side, after the limit was met."""


class Poison:
    """A message nobody understands."""


def a_limited_day(folder: Path, *legs: Leg, **settings: Any) -> Any:
    tape = a_tape(*legs, since="09:25")
    return a_stage(folder, tape=tape, begin="09:47", force_close="10:18", settings=settings)


def entries(stage: Stage) -> list[Symbol]:
    return [order.symbol for order in stage.orders(Action.SELL)]


def test_day_over_by_loss_is_not_reopened_by_a_restart_nor_by_a_second_one(tmp_path: Path) -> None:
    with a_limited_day(tmp_path, STOPPED, NEXT, **{"day.loss_p": 550_000}) as stage:
        stage.begin().run_to("09:56:45")
        assert "DAY_DONE" in (tmp_path / "agent.log").read_text("ascii")
        for wall in ("09:58", "10:00"):
            stage.kill()
            stage.again(wall)
            stage.begin().run_to("10:08")
        played = stage.finish()
        told(played.log, r"LATCH\] DAY_DONE set reason=DAY_(LOSS|STOP)", r"the book is proved flat")
        assert (entries(stage), played.ended.code) == ([CALL], 10)
        assert played.log.count("DAY_DONE set") == 1
        assert played.report.invariants_broken == []


def test_other_side_is_entered_where_the_limit_is_not_met(tmp_path: Path) -> None:
    """The day of the test before, with the limit off: what it forbids would have happened."""
    with a_limited_day(tmp_path, STOPPED, NEXT, **{"day.loss_p": 0}) as stage:
        played = stage.play()
        assert entries(stage) == [CALL, PUT]
        assert played.report.flat


def test_loss_limit_holds_with_the_strategy_dead(tmp_path: Path) -> None:
    with a_limited_day(tmp_path, STOPPED, **{"day.loss_p": 550_000}) as stage:
        stage.begin().run_to("09:54")
        for second in range(180):
            at = f"09:{54 + second // 60}:{second % 60:02}"
            stage.later(at, lambda: stage.session.pump.tell("strategy", Poison()))
        played = stage.finish()
        told(
            played.log,
            r"strategy died",
            r"LATCH\] DAY_DONE set reason=DAY_LOSS",
            r"the book is proved flat",
        )
        assert (played.ended.code, played.report.flat) == (10, True)


@pytest.mark.incident("INC-111")
@pytest.mark.parametrize("price", [1_000_000, 5])
def test_bad_price_does_not_trip_the_loss_limit(tmp_path: Path, price: int) -> None:
    """One print far off, either way, in a symbol that is short: it would be -100 R, or +9 R."""
    with a_limited_day(tmp_path, HELD) as stage:
        for wall in ("09:55:30", "09:57:00", "09:58:10"):
            stage.later(wall, lambda: tell_price(stage, price))
        played = stage.play()
        assert "DAY_DONE" not in played.log
        told(played.log, r"leaving NIFTY\w+ units=650 reason=FORCE_CLOSE", r"proved flat")
        assert (entries(stage), played.report.flat) == ([CALL], True)


def test_price_that_stays_bad_is_a_loss(tmp_path: Path) -> None:
    """Told for longer than `day.confirm_s`: nothing says any more that it is wrong."""
    with a_limited_day(tmp_path, HELD, **{"day.loss_p": 0}) as stage:
        for n in range(40):
            at = Micros(stage.at("09:55:30") + n * SECOND // 10)
            stage.session.world.timeline.later(at, lambda: tell_price(stage, 1_000_000))
        played = stage.play()
        told(played.log, r"LATCH\] DAY_DONE set reason=DAY_STOP", r"proved flat")
        assert stage.net(CALL) == 0
        assert sum(o.quantity for o in stage.orders(Action.SELL)) == UNITS


def tell_price(stage: Stage, price: int) -> None:
    """Let the strategy hear a price of the call, as BarActor would tell it."""
    at = stage.session.world.timeline.now()
    now = Forming(
        symbol=CALL,
        minute=minute_of(at),
        high=Paise(max(price, 14_300)),
        low=Paise(min(price, 14_300)),
        last=Paise(price),
        at=at,
    )
    stage.session.pump.tell("strategy", BarUpdated(now=now))
