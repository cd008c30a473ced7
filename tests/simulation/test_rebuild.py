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


def damage(stage: Stage) -> None:
    """Kill the agent; of its journal nothing is left but the name."""
    lose(stage)
    (stage.folder / NAME).write_bytes(b"no journal any more")


def shown(stage: Stage) -> list[tuple[str, str]]:
    """Every order of the exchange, with what became of it."""
    return [(o.orderid, o.status) for o in stage.session.exchange.orders()]


@pytest.mark.incident("INC-81")
def test_empty_journal_protects_orphans_and_cancels_nothing(tmp_path: Path) -> None:
    """What nothing covers gets a stop above the last price, and is closed with the day."""
    with a_stage(tmp_path, tape=a_tape(Leg()), begin="09:48", force_close=CLOSE) as stage:
        stage.begin().run_to("09:55")
        (stop,) = working(stage, Action.BUY)
        lose(stage)
        exchange = stage.session.exchange
        exchange.advance(exchange.cancel(stage.at("09:55"), stop.orderid).ready_at)
        before = shown(stage)
        stage.again("09:56")
        stage.begin().run_to("10:14")
        (new,) = working(stage, Action.BUY)
        assert new.orderid != stop.orderid
        assert (new.quantity, new.trigger) == (UNITS, 18_590)
        assert shown(stage) == [*before, (new.orderid, "trigger pending")]
        found = ledger(stage)
        assert found.mode == "REDUCE_ONLY"
        assert list(found.unsafe) == [Condition.ANOTHER_TRADER]
        stage.finish()
        assert stage.net(CALL) == 0
        assert ledger(stage).proved_flat_at is not None


@pytest.mark.incident("INC-81")
def test_empty_journal_leaves_alone_what_a_stop_of_somebody_covers(tmp_path: Path) -> None:
    """It may be another agent's: neither the short nor its stop is touched, the close included."""
    with a_stage(tmp_path, tape=a_tape(Leg()), begin="09:48", force_close=CLOSE) as stage:
        stage.begin().run_to("09:55")
        lose(stage)
        before = shown(stage)
        stage.again("09:56")
        stage.begin().run_to("10:14")
        found = ledger(stage)
        assert (found.mode, list(found.unsafe)) == ("REDUCE_ONLY", [Condition.ANOTHER_TRADER])
        assert (found.legs, found.orders) == ({}, {})
        stage.finish()
        assert shown(stage) == before
        assert stage.net(CALL) == -UNITS
        assert ledger(stage).proved_flat_at is not None
        log = (stage.folder / "agent.log").read_text("ascii")
        assert f"not in the journal: {CALL} short {UNITS}, BUY orders" in log


def test_damaged_journal_adopts_the_stop_and_closes_the_short_with_the_day(tmp_path: Path) -> None:
    with a_stage(tmp_path, tape=a_tape(Leg()), begin="09:48", force_close=CLOSE) as stage:
        stage.begin().run_to("09:55")
        assert stage.net(CALL) == -UNITS
        assert len(working(stage, Action.BUY)) == 1
        damage(stage)
        before = shown(stage)
        stage.again("09:56")
        stage.begin().run_to("10:14")
        assert shown(stage) == before
        found = ledger(stage)
        (leg,) = found.open_legs()
        assert (leg.symbol, leg.short, found.uncovered(leg)) == (CALL, UNITS, 0)
        assert found.mode == "REDUCE_ONLY"
        assert Condition.JOURNAL_LOST in found.unsafe
        stage.finish()
        assert stage.net(CALL) == 0
        assert ledger(stage).proved_flat_at is not None
