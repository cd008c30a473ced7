"""An agent whose journal is gone: what it was short of is protected again, from the books alone."""

from pathlib import Path

import pytest

from domain.books import Action
from domain.ledger import Ledger
from domain.reasons import Condition
from journal.orders import NAME, verify
from sandbox.kinds import OrderLine
from tests.days import Stage, a_stage
from tests.tapes import CALL, UNITS, Leg, a_tape

CLOSE = "10:16"
WORKING = {"open", "trigger pending"}


def lose(stage: Stage) -> None:
    """Kill the agent and everything it wrote down of its orders."""
    stage.kill()
    for name in (NAME, f"{NAME}-wal", f"{NAME}-shm", "fallback.log"):
        (stage.folder / name).unlink(missing_ok=True)


def ledger(stage: Stage) -> Ledger:
    return Ledger().fold(verify(stage.folder / NAME, stage.day))


def working(stage: Stage, action: Action) -> list[OrderLine]:
    return [order for order in stage.orders(action, CALL) if order.status in WORKING]


@pytest.mark.incident("INC-81")
def test_empty_journal_protects_orphans_and_cancels_nothing(tmp_path: Path) -> None:
    """The stop that rests is adopted; nothing is sent, nothing ended, until the day is closed."""
    with a_stage(tmp_path, tape=a_tape(Leg()), begin="09:48", force_close=CLOSE) as stage:
        stage.begin().run_to("09:55")
        before = [(o.orderid, o.status) for o in stage.session.exchange.orders()]
        assert stage.net(CALL) == -UNITS
        assert len(working(stage, Action.BUY)) == 1
        lose(stage)
        stage.again("09:56")
        stage.begin().run_to("10:14")
        assert [(o.orderid, o.status) for o in stage.session.exchange.orders()] == before
        found = ledger(stage)
        (leg,) = found.open_legs()
        assert (leg.symbol, leg.short, found.uncovered(leg)) == (CALL, UNITS, 0)
        assert found.mode == "REDUCE_ONLY"
        assert Condition.JOURNAL_LOST in found.unsafe
        stage.finish()
        assert stage.net(CALL) == 0
        assert ledger(stage).proved_flat_at is not None


def test_orphan_without_a_stop_gets_one_and_is_closed_with_the_day(tmp_path: Path) -> None:
    with a_stage(tmp_path, tape=a_tape(Leg()), begin="09:48", force_close=CLOSE) as stage:
        stage.begin().run_to("09:55")
        (stop,) = working(stage, Action.BUY)
        lose(stage)
        exchange = stage.session.exchange
        exchange.advance(exchange.cancel(stage.at("09:55"), stop.orderid).ready_at)
        stage.again("09:56")
        stage.begin().run_to("10:00")
        (new,) = working(stage, Action.BUY)
        assert new.orderid != stop.orderid
        assert (new.quantity, new.trigger) == (UNITS, 18_590)
        stage.finish()
        assert stage.net(CALL) == 0
        assert ledger(stage).proved_flat_at is not None
